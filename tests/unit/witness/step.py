"""A place like a RUN step: the shim itself, a real shell, and the host's cargo, in a folder of the test's own."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.toolchains.cargo.tools import guard_files
from orchestrator.toolchains.cargo.witness import WitnessedCall, read_witness

if TYPE_CHECKING:
    from collections.abc import Mapping

_OLD = 1_000_000_000
"""The time stamp of everything that comes out of a build context, seconds since 1970."""

MANIFEST = '[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n'
PRINTS = 'fn main() {{ println!("{text}"); }}\n'
STUB = "fn main() {}\n"


@dataclass(slots=True)
class Step:
    """A place like a RUN step: a project, the shim before cargo in PATH, and a folder for the witness.

    Attributes:
        shell: `sh`, `bash`, or `busybox`, with busybox's own find, sed, awk, xargs and sha256sum.
        path: what PATH holds behind the shim.
        variables: further variables of the step.
    """

    folder: Path
    shell: str
    guard: str = "enforce"
    path: str = ""
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def tools(self) -> Path:
        return self.folder / "tools"

    @property
    def witness(self) -> Path:
        return self.folder / "witness"

    def install(self) -> None:
        """Lay out what a RUN step sees at its mount."""
        interpreter = {"sh": "/bin/sh", "bash": "/bin/bash", "busybox": f"{self.tools}/applets/sh"}[self.shell]
        for name, content, mode in guard_files(self.guard):
            place = self.tools / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.replace(b"#!/bin/sh", f"#!{interpreter}".encode(), 1))
            place.chmod(mode)
        (self.tools / "folders").write_text(f"{self.witness}\n")
        cargo = shutil.which("cargo")
        assert cargo is not None
        # The program itself: rustup's stand-in would change PATH and ask for configuration of its own.
        real = subprocess.run(["rustup", "which", "cargo"], capture_output=True, text=True, check=False).stdout.strip()
        self.path = f"{Path(real or cargo).parent}:/usr/bin:/bin"
        if self.shell == "busybox":
            applets = self.tools / "applets"
            applets.mkdir()
            for name in ("sh", "find", "xargs", "sed", "awk", "sort", "touch", "sha256sum", "readlink", "stat", "date"):
                (applets / name).symlink_to("/bin/busybox")
            self.path = f"{applets}:{self.path}"

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Write files of the project, as COPY does: with a time stamp from long ago."""
        for name, content in files.items():
            place = self.project / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.encode() if isinstance(content, str) else content)
            os.utime(place, (_OLD, _OLD))

    def run(self, *words: str, cwd: Path | None = None, check: bool = True, **variables: str) -> str:
        """Run a command as a step would, and return what it printed."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        done = subprocess.run(
            list(words),
            cwd=cwd or self.project,
            env={
                "PATH": f"{self.tools}/bin:{self.path}",
                "HOME": str(home),
                "CARGO_HOME": str(home / ".cargo"),
                "CARGO_NET_OFFLINE": "true",
                "CARGO_TERM_COLOR": "never",
                **self.variables,
                **variables,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="surrogateescape",
            timeout=120,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout
        return done.stdout

    def calls(self) -> tuple[WitnessedCall, ...]:
        """Return what was witnessed so far."""
        return read_witness({f"0/{place.name}": place.read_bytes() for place in self.witness.glob("[0-9]*")})

    def output(self, program: str = "target/debug/app") -> str:
        """Return what a program prints."""
        return subprocess.run([self.project / program], capture_output=True, text=True, check=True).stdout.strip()

    def sha256(self, program: str = "target/debug/app") -> str:
        return sha256(self.project / program)


def sha256(path: Path) -> str:
    return subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout.split()[0].strip("\\")


def made_step(folder: Path, shell: str, guard: str = "enforce") -> Step:
    step = Step(folder=folder, shell=shell, guard=guard)
    step.project.mkdir(parents=True)
    step.install()
    return step
