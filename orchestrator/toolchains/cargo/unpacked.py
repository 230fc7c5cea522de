"""A registry's archives as cargo unpacks them: what its folder `src` holds.

Cargo unpacks all crates of a lock file before it compiles anything, and what it writes into the mounted registry is
gone when the step ends. So each step with a call of cargo did it anew: 3,700 files of 62 crates, 3 s of a processor on
fuse-overlayfs. They are taken from the archives, not from this machine's own `src`: builds may have written into that.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestrator.toolchains.cargo.lock import LockedPackage

MTIME = 1153704088
"""The time that cargo gives the files of an archive; zero confuses debuggers (cargo/ops/cargo_package.rs, tar-rs)."""

_WHOLE = (".cargo-ok", b'{"v":1}', 0o644)
"""Cargo's sign that all is there (sources/registry: `unpack_package`); where it knows another, it unpacks again."""


def unpacked(archive: Path, package: LockedPackage) -> Iterator[tuple[str, bytes, int]]:
    """Yield (path, content, mode) of an archive's files, below the folder that has all crates of an index.

    Nothing is yielded for an archive that is not what the lock file names, or that holds more than files and folders:
    cargo is left to say what it thinks of it.
    """
    folder = f"{package.name}-{package.version}"
    content = archive.read_bytes()
    if package.checksum != hashlib.sha256(content).hexdigest():
        return
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar:
        members = tar.getmembers()
        if not all(_is_plain(member, folder) for member in members):
            return
        for member in members:
            stream = tar.extractfile(member) if member.isreg() else None
            if stream is not None:
                yield member.name, stream.read(), 0o755 if member.mode & 0o100 else 0o644
    name, text, mode = _WHOLE
    yield f"{folder}/{name}", text, mode


def _is_plain(member: tarfile.TarInfo, folder: str) -> bool:
    inside = member.name == folder or member.name.startswith(f"{folder}/")
    return inside and ".." not in member.name.split("/") and (member.isreg() or member.isdir())
