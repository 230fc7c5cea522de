"""What is said of a program that is not on this machine, or cannot be started on it."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from orchestrator.errors import ToolMissingError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PACKAGES = {
    "bwrap": "bubblewrap",
    "c++": "g++",
    "cc": "gcc libc6-dev",
    "ld": "binutils",
    "protoc": "protobuf-compiler",
}
"""Debian packages of programs that are not called like their package."""


def missing(program: str) -> ToolMissingError:
    """Return the error for a program that is not there, with the command that brings it."""
    name = program.rsplit("/", 1)[-1]
    package = _PACKAGES.get(name, name)
    return ToolMissingError(
        f"{name} is needed and not installed on this machine",
        repair=f"sudo apt-get install -y --no-install-recommends {package}",
    )


def unstartable(program: str, environment: Mapping[str, str] | None, error: OSError) -> ToolMissingError:
    """Return the error for a program that the system refused to start; `environment`: None for our own."""
    path = (os.environ if environment is None else environment).get("PATH")
    found = program if "/" in program else shutil.which(program, mode=os.F_OK, path=path)
    if found is None or not os.path.lexists(found):
        return missing(program)
    # The kernel says "no such file" of a program whose interpreter or loader is not there.
    why = "its interpreter is missing" if isinstance(error, FileNotFoundError) else error.strerror
    return ToolMissingError(f"{found} cannot be started: {why}", repair=f"see what `file {found}` says of it")
