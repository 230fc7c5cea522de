"""The layer that copies the host's Rust toolchain into a base, laid out as in Docker's official rust image."""

from __future__ import annotations

import os
import stat
import tarfile
from typing import TYPE_CHECKING

from orchestrator.bases.recipe import CARGO_HOME, EPOCH, RUSTUP_HOME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestrator.bases.image import HostToolchain

_LEFT_OUT = "share"
"""Documentation: half of the toolchain's size, and no build reads it."""


def write_toolchain_layer(toolchain: HostToolchain, out: Path) -> None:
    """Write the layer tar: the sysroot without documentation, and links to its programs on the PATH."""
    home = f"{RUSTUP_HOME}/toolchains/{toolchain.name}".lstrip("/")
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as layer:
        for folder in _parents(home, f"{CARGO_HOME}/bin".lstrip("/")):
            layer.addfile(_entry(folder, tarfile.DIRTYPE, mode=0o755))
        for relative in _walk(toolchain.sysroot):
            _add(layer, toolchain.sysroot / relative, f"{home}/{relative}")
        for program in sorted(entry.name for entry in (toolchain.sysroot / "bin").iterdir()):
            link = _entry(f"{CARGO_HOME.lstrip('/')}/bin/{program}", tarfile.SYMTYPE, mode=0o777)
            link.linkname = f"/{home}/bin/{program}"
            layer.addfile(link)


def _parents(*folders: str) -> list[str]:
    found: set[str] = set()
    for folder in folders:
        parts = folder.split("/")
        # `usr` and `usr/local` are the system's own: naming them would reset what the layer below says of them.
        found.update("/".join(parts[:depth]) for depth in range(3, len(parts) + 1))
    return sorted(found)


def _walk(sysroot: Path) -> Iterator[str]:
    for folder, names, files in os.walk(sysroot):
        relative = os.path.relpath(folder, sysroot)
        prefix = "" if relative == "." else f"{relative}/"
        names[:] = sorted(name for name in names if prefix or name != _LEFT_OUT)
        yield from sorted(prefix + name for name in (*names, *files))


def _add(layer: tarfile.TarFile, path: Path, name: str) -> None:
    facts = path.lstat()
    if stat.S_ISLNK(facts.st_mode):
        link = _entry(name, tarfile.SYMTYPE, mode=0o777)
        link.linkname = str(path.readlink())
        layer.addfile(link)
    elif stat.S_ISDIR(facts.st_mode):
        layer.addfile(_entry(name, tarfile.DIRTYPE, mode=0o755))
    elif stat.S_ISREG(facts.st_mode):
        entry = _entry(name, tarfile.REGTYPE, mode=0o755 if facts.st_mode & stat.S_IXUSR else 0o644)
        entry.size = facts.st_size
        with path.open("rb") as stream:
            layer.addfile(entry, stream)


def _entry(name: str, kind: bytes, *, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.mtime = kind, mode, EPOCH
    return entry
