"""Which Rust toolchain the host builds with."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.engine.process import run
from orchestrator.errors import ToolMissingError
from orchestrator.workspace import memo_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.workspace import Workspace

_CHOICES = ("rust-toolchain.toml", "rust-toolchain")


@dataclass(frozen=True, slots=True, kw_only=True)
class CargoToolchain:
    """The host's toolchain.

    Attributes:
        sysroot: the toolchain's folder; its own cargo and rustc are in `bin`.
        version: release (`1.95.0`).
        commit: of rustc, full hash.
        host: target triple.
        verbose: all that `rustc -vV` says.
    """

    sysroot: Path
    version: str
    commit: str
    host: str
    verbose: str

    @property
    def cargo(self) -> Path:
        """Return cargo's path on the host."""
        return self.sysroot / "bin" / "cargo"

    @property
    def name(self) -> str:
        """Return the name that rustup gives such a toolchain."""
        return f"{self.version}-{self.host}"


def identify(folder: Path, *, workspace: Workspace, environment: Mapping[str, str]) -> CargoToolchain:
    """Return the toolchain that cargo uses in a folder, honouring `rust-toolchain.toml` as rustup does.

    Args:
        folder: the project's folder.
        workspace: remembers the answer while the programs and the choice stay the same.
        environment: the caller's variables (PATH, RUSTUP_TOOLCHAIN, RUSTUP_HOME).

    Raises:
        ToolMissingError: no cargo, no rustc, or the chosen toolchain is not installed.
    """
    rustc = shutil.which("rustc", path=environment.get("PATH"))
    if rustc is None or shutil.which("cargo", path=environment.get("PATH")) is None:
        raise ToolMissingError(
            "cargo is needed and not installed on this machine",
            repair="curl --proto '=https' -sSf https://sh.rustup.rs | sh",
        )
    key = memo_key(_facts(folder, Path(rustc), environment))
    known = workspace.recall("toolchain", key)
    verbose, sysroot = known if isinstance(known, list) else _ask(rustc, folder, environment)
    workspace.remember("toolchain", key, [verbose, sysroot]) if known is None else None
    said = dict(line.partition(": ")[::2] for line in verbose.splitlines())
    return CargoToolchain(
        sysroot=Path(sysroot),
        version=said["release"],
        commit=said["commit-hash"],
        host=said["host"],
        verbose=verbose,
    )


def _facts(folder: Path, rustc: Path, environment: Mapping[str, str]) -> dict[str, object]:
    """Return what decides which toolchain answers: rustup's settings, the choice files, and the program itself."""
    rustup = Path(environment.get("RUSTUP_HOME") or Path(environment.get("HOME") or "/") / ".rustup")
    choices = [place / name for place in (folder, *folder.parents) for name in _CHOICES]
    watched = [rustc, rustc.resolve(), rustup / "settings.toml", rustup / "toolchains", *choices]
    stamps = {str(path): os.stat(path).st_mtime_ns for path in watched if path.exists()}  # noqa: PTH116 - one of many
    return {"stamps": stamps, "folder": str(folder), "chosen": environment.get("RUSTUP_TOOLCHAIN")}


def _ask(rustc: str, folder: Path, environment: Mapping[str, str]) -> tuple[str, str]:
    answers = []
    for question in (["-vV"], ["--print", "sysroot"]):
        done = run([rustc, *question], cwd=folder, environment=environment)
        if done.exit_code:
            said = done.stderr.decode(errors="replace").strip()
            raise ToolMissingError(
                "the Rust toolchain that this project asks for does not answer",
                repair="install it with `rustup toolchain install`, run in the project's folder",
                detail=tuple(said.splitlines()[-5:]),
            )
        answers.append(done.stdout.decode().strip())
    return answers[0], answers[1]
