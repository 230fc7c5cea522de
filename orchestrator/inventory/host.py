"""The host's side of a build."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.engine.process import run
from orchestrator.inventory.answers import LINKER, QUESTIONS, side_of
from orchestrator.workspace import memo_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.inventory.model import SideInventory
    from orchestrator.workspace import Workspace

_PACKAGES = ("/var/lib/dpkg/status", "/lib/apk/db/installed")
_MODULES = ("/usr/lib", "/usr/lib64", "/usr/share", "/usr/local/lib", "/usr/local/share")
_PASSED_ON = ("CC", "PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR", *LINKER)


def host_side(variables: Mapping[str, str], sysroot: Path, *, libraries: bool, workspace: Workspace) -> SideInventory:
    """Return what the host's build compiles with and would find.

    It is asked again when a program, the list of installed packages or a folder of pkg-config's has changed.

    Args:
        variables: those of the build, and those of `linker_variables`.
        sysroot: the Rust toolchain.
        libraries: whether a build script may look for system libraries.
        workspace: remembers the answers.
    """
    path = f"{sysroot}/bin:{variables.get('PATH', os.defpath)}"
    passed = {name: variables[name] for name in _PASSED_ON if name in variables}
    key = memo_key({"asked": QUESTIONS, "path": path, "given": passed, "stamps": dict(_stamps(path, passed))})
    said = workspace.recall("host-side", key)
    if not isinstance(said, str):
        done = run(["/bin/sh", "-c", QUESTIONS], environment={**passed, "PATH": path, "LC_ALL": "C"})
        said = done.stdout.decode(errors="replace")
        workspace.remember("host-side", key, said)
    return side_of(said, libraries=libraries)


def _stamps(path: str, given: Mapping[str, str]) -> Iterator[tuple[str, list[int]]]:
    behind = given.get(LINKER[1]) or ""
    names = ["rustc", "ld", "pkg-config", given.get("CC", "cc").split(" ")[0] or "cc"]
    names += [given.get(LINKER[0]) or "ld", behind if behind.startswith("/") else f"ld.{behind or 'bfd'}"]
    programs = [found for name in names if (found := shutil.which(name, path=path))]
    folders = [place / "pkgconfig" for root in _MODULES for place in (Path(root), *Path(root).glob("*-linux-*"))]
    folders += [Path(place) for name in _PASSED_ON[1:3] for place in given.get(name, "").split(":") if place]
    for place in map(str, (*programs, *_PACKAGES, *folders)):
        try:
            facts = os.stat(place)  # noqa: PTH116 - texts
        except OSError:
            continue
        yield os.path.realpath(place), [facts.st_size, facts.st_mtime_ns]
