"""`invoke doctor`: what this machine has, what it lacks, and what each lack means."""

from __future__ import annotations

import platform
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.build.place import PlaceKind, choose_place
from orchestrator.engine.docker import Engine
from orchestrator.engine.process import run
from orchestrator.errors import NoVerdictError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_FEW_GIGABYTES = 5_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing about this machine. `lack`: what it means that it is not there or not right; empty where it is."""

    name: str
    found: str
    lack: str = ""
    needed: bool = True


def examine(folder: Path, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Yield what was found, most needed first.

    Args:
        folder: where the workspace is or would be.
        environment: the caller's variables.
    """
    yield Finding(name="Python", found=f"{platform.python_version()} ({sys.executable})")
    yield _engine(environment)
    yield _program("cargo", ("--version",), environment, "nothing can be built: install it from https://rustup.rs")
    yield _program(
        "cc", ("--version",), environment,
        "programs cannot be linked: sudo apt-get install -y --no-install-recommends gcc libc6-dev",
    )  # fmt: skip
    yield _program(
        "git", ("--version",), environment,
        "a source tree under git cannot be read: sudo apt-get install -y --no-install-recommends git",
    )  # fmt: skip
    yield _program(
        "mmdebstrap", ("--version",), environment,
        "no base can be bootstrapped (pulled and local ones work): "
        "sudo apt-get install -y --no-install-recommends mmdebstrap",
        needed=False,
    )  # fmt: skip
    yield _place(environment)
    free = shutil.disk_usage(folder if folder.exists() else folder.parent).free
    lack = "a first run with a Rust base needs about 5 GB" if free < _FEW_GIGABYTES else ""
    yield Finding(name="free space", found=f"{free / 1e9:.0f} GB for {folder}", lack=lack)


def _engine(environment: Mapping[str, str]) -> Finding:
    try:
        with Engine.connect(environment) as engine:
            version = engine.version
            return Finding(
                name="Docker engine", found=f"{version.version}, API {version.api}, {version.os}/{version.architecture}"
            )
    except NoVerdictError as error:
        return Finding(
            name="Docker engine", found=error.message, lack=f"nothing can be built in Docker: {error.repair}"
        )


def _program(
    name: str, arguments: tuple[str, ...], environment: Mapping[str, str], lack: str, *, needed: bool = True
) -> Finding:
    path = shutil.which(name, path=environment.get("PATH"))
    if path is None:
        return Finding(name=name, found="not found", lack=lack, needed=needed)
    done = run([path, *arguments], environment=environment)
    said = (done.stdout or done.stderr).decode(errors="replace").strip().splitlines()
    return Finding(name=name, found=f"{said[0] if said else 'says nothing'} ({path})")


def _place(environment: Mapping[str, str]) -> Finding:
    place = choose_place((), environment=environment)
    if place.kind is PlaceKind.NAMESPACE:
        return Finding(name="mount namespaces", found=place.reason)
    return Finding(
        name="mount namespaces",
        found=place.reason,
        lack="paths are remapped by compiler flags instead, which reaches most of them but not all "
        "(sudo apt-get install -y --no-install-recommends bubblewrap)",
        needed=False,
    )
