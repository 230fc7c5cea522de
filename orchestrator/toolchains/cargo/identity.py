"""Which Rust toolchain the host builds with."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.engine.process import run
from orchestrator.errors import ToolMissingError
from orchestrator.location import Location
from orchestrator.workspace import memo_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.workspace import Workspace

_CHOICES = ("rust-toolchain", "rust-toolchain.toml")
"""In rustup's order of preference (rust-lang.github.io/rustup/overrides.html)."""

_CHANNEL = re.compile(r"""^\s*channel\s*=\s*["'](?P<channel>[^"']+)["']""", re.MULTILINE)
_PASSED_ON = ("HOME", "PATH", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN")


@dataclass(frozen=True, slots=True, kw_only=True)
class CargoToolchain:
    """The host's toolchain.

    Attributes:
        cargo: cargo's path; not rustup's proxy, which would cost 40 ms a call and choose by folder.
        sysroot: the toolchain's folder; its rustc is in `bin`.
        version: release (`1.95.0`).
        commit: of rustc, full hash.
        host: target triple.
        verbose: all that `rustc -vV` says.
    """

    cargo: Path
    sysroot: Path
    version: str
    commit: str
    host: str
    verbose: str

    @property
    def rustc(self) -> Path:
        """Return rustc's path."""
        return self.sysroot / "bin" / "rustc"

    @property
    def name(self) -> str:
        """Return the name that rustup gives such a toolchain."""
        return f"{self.version}-{self.host}"


def identify(
    folder: Path, *, workspace: Workspace, environment: Mapping[str, str], top: Path | None = None
) -> CargoToolchain:
    """Return the toolchain that cargo uses in a folder, honouring `rust-toolchain.toml` as rustup does.

    Args:
        folder: the project's folder.
        workspace: remembers the answer while the programs and the choice stay the same.
        environment: the caller's variables (PATH, HOME, RUSTUP_TOOLCHAIN, RUSTUP_HOME).
        top: what locations in errors are relative to; default: the folder itself.

    Raises:
        ToolMissingError: no cargo, no rustc, or the chosen toolchain is not installed.
    """
    path = environment.get("PATH")
    rustc, cargo = shutil.which("rustc", path=path), shutil.which("cargo", path=path)
    if rustc is None or cargo is None:
        raise ToolMissingError(
            f"{'cargo' if cargo is None else 'rustc'} is needed and not installed on this machine",
            repair="curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh",
        )
    key = memo_key(_facts(folder, Path(rustc), environment))
    known = workspace.recall("toolchain", key)
    if isinstance(known, list) and known[2:] == _stamp(Path(known[1])):
        verbose, sysroot = str(known[0]), Path(known[1])
    else:
        verbose, sysroot = _ask(rustc, folder, environment, top or folder)
        workspace.remember("toolchain", key, [verbose, str(sysroot), *_stamp(sysroot)])
    said = dict(line.partition(": ")[::2] for line in verbose.splitlines())
    own = sysroot / "bin" / "cargo"
    return CargoToolchain(
        cargo=own if own.exists() else Path(cargo).resolve(),
        sysroot=sysroot,
        version=said["release"],
        commit=said["commit-hash"],
        host=said["host"],
        verbose=verbose,
    )


def compiler_facts(toolchain: CargoToolchain) -> frozenset[str]:
    """Return the lines of `rustc --print cfg`, of which cargo's `cfg(...)` tables ask."""
    asked = run([str(toolchain.rustc), "--print", "cfg"], environment={})
    return frozenset(asked.stdout.decode().splitlines())


def _facts(folder: Path, rustc: Path, environment: Mapping[str, str]) -> dict[str, object]:
    """Return what decides which toolchain answers: rustup's settings, the choice files, and the program itself."""
    rustup = Path(environment.get("RUSTUP_HOME") or Path(environment.get("HOME") or "/") / ".rustup")
    choices = [place / name for place in (folder, *folder.parents) for name in _CHOICES]
    watched = [rustc, rustc.resolve(), rustup / "settings.toml", rustup / "toolchains", *choices]
    stamps = {str(path): path.stat().st_mtime_ns for path in watched if path.exists()}
    return {"stamps": stamps, "folder": str(folder), "chosen": environment.get("RUSTUP_TOOLCHAIN")}


def _stamp(sysroot: Path) -> list[int]:
    """Return what changes when `rustup update` gives a channel's folder another compiler."""
    try:
        facts = (sysroot / "bin" / "rustc").stat()
    except OSError:
        return []
    return [facts.st_size, facts.st_mtime_ns]


def _ask(rustc: str, folder: Path, environment: Mapping[str, str], top: Path) -> tuple[str, Path]:
    passed = {name: environment[name] for name in _PASSED_ON if name in environment}
    # A toolchain that is not there must be asked for, not downloaded in the middle of a build.
    passed["RUSTUP_AUTO_INSTALL"] = "0"
    answers = []
    for question in (["-vV"], ["--print", "sysroot"]):
        done = run([rustc, *question], cwd=folder, environment=passed)
        if done.exit_code:
            raise _no_answer(folder, environment, top, done.stderr.decode(errors="replace"))
        answers.append(done.stdout.decode().strip())
    return answers[0], Path(answers[1])


def _no_answer(folder: Path, environment: Mapping[str, str], top: Path, said: str) -> ToolMissingError:
    chosen, location = environment.get("RUSTUP_TOOLCHAIN"), None
    if chosen is None:
        chosen, location = _choice(folder, top)
    return ToolMissingError(
        f"the Rust toolchain {chosen} is not installed" if chosen else "rustc is there and does not answer",
        location=location,
        repair=f"rustup toolchain install {chosen}" if chosen else "rustup toolchain install stable",
        detail=tuple(said.strip().splitlines()[-10:]),
    )


def _choice(folder: Path, top: Path) -> tuple[str | None, Location | None]:
    """Return the toolchain that a file chooses, and where."""
    for file in (place / name for place in (folder, *folder.parents) for name in _CHOICES):
        if file.is_file():
            shown = str(file.relative_to(top)) if file.is_relative_to(top) else str(file)
            text = file.read_text(encoding="utf-8", errors="replace")
            match = _CHANNEL.search(text)
            if match is not None:
                return match["channel"], Location(file=shown, line=text.count("\n", 0, match.start("channel")) + 1)
            # The older form of the file is the bare name.
            return None if "[" in text else text.strip() or None, Location(file=shown)
    return None, None
