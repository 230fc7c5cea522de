"""Which crates of Cargo.lock look for libraries of the system they are built on."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.source.snapshot import SourceFile
    from orchestrator.workspace import Workspace

_PROBES = frozenset({"pkg-config", "vcpkg", "system-deps", "metadeps", "cmake", "autotools", "bindgen"})
"""Crates with which build scripts look for system libraries, or build against their headers."""

_BINDINGS_ONLY = frozenset(
    {
        *("js-sys", "web-sys", "jni-sys"),
        *("windows-sys", "winapi-sys", "kernel32-sys", "ws2_32-sys", "fuchsia-zircon-sys"),
        *("core-foundation-sys", "security-framework-sys", "system-configuration-sys", "fsevent-sys", "kqueue-sys"),
        *("linux-raw-sys", "inotify-sys", "dirs-sys", "libbz2-rs-sys"),
    }
)
"""Named as if they linked something: declarations of another platform, which stand in every Cargo.lock, of the kernel,
or a library written in Rust."""


_RULES = 2
"""Counts up with every change of what is told here, since answers are remembered."""


def native_crates(tree: Path, lock: str, files: tuple[SourceFile, ...], *, workspace: Workspace) -> tuple[str, ...]:
    """Return the packages (the project's own included) that may look for system libraries, sorted.

    A build script can do that without any of the usual crates; then nothing here sees it.

    Args:
        tree: the laid-out snapshot.
        lock: Cargo.lock's path in it; one that can be read.
        files: the snapshot's files.
        workspace: remembers the answer by the lock file's content.
    """
    digest = next((f"{_RULES}-{file.sha256}" for file in files if file.path == lock), None)
    known = workspace.recall("native", digest) if digest else None
    if isinstance(known, list):
        return tuple(str(name) for name in known)
    packages: list[dict[str, Any]] = tomllib.loads((tree / lock).read_text(encoding="utf-8")).get("package", [])
    found = sorted({str(package["name"]) for package in packages if _may_probe(package)})
    if digest:
        workspace.remember("native", digest, found)
    return tuple(found)


def _may_probe(package: dict[str, Any]) -> bool:
    name = str(package["name"])
    # `name`, `name version` or `name version (source)`.
    needed = {str(dependency).split(" ")[0] for dependency in package.get("dependencies", ())}
    return bool(needed & _PROBES) or (name.endswith("-sys") and name not in _BINDINGS_ONLY)
