"""What the layers below hold, so that a layer can be told from what it merely repeats.

Storage drivers write different layers for the same step (measured: fuse-overlayfs on 20.10, overlay2 on 26.1 and 28.5).
One that lays folders over each other also lists a folder in which something was made and removed again, a file whose
mode was set to what it was, and a folder that was made anew as "all below is gone". One that compares trees lists
neither, and names what is gone. Only what the files below are says which of it is a change.
"""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

WHITEOUT = ".wh."
"""Begins the name of an entry that removes what is below (https://github.com/opencontainers/image-spec, layer.md)."""

OPAQUE = ".wh..wh..opq"
"""Removes all that is below in a folder."""

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LowerEntry:
    """What the layers below have at a path. `layer`, `offset`: where its content lies."""

    kind: bytes
    rights: tuple[int, int, int]
    size: int
    mtime: int
    link: str
    device: tuple[int, int]
    attributes: Mapping[str, str]
    layer: Path
    offset: int


class Lower:
    """The files that the layers so far make together; a layer is read when somebody asks. Times are seconds."""

    def __init__(self) -> None:
        self._unread: list[Path] = []
        self._entries: dict[str, LowerEntry] = {}
        self._children: dict[str, set[str]] = {}

    def add(self, layer: Path) -> None:
        """Put a layer (an uncompressed tar, which must stay where it is) upon the others."""
        self._unread.append(layer)

    def entry(self, name: str) -> LowerEntry | None:
        """Return what is at a path (as `plain` gives it), None where nothing is, or a folder that no layer names."""
        self._read()
        return self._entries.get(name)

    def children(self, folder: str) -> list[str]:
        """Return the names of what is in a folder."""
        self._read()
        return sorted(self._children.get(folder, ()))

    def exists(self, name: str) -> bool:
        """Return whether anything is at a path."""
        self._read()
        return name in self._entries or name in self._children

    def repeats(self, member: tarfile.TarInfo, content: IO[bytes] | None, *, epoch: int) -> bool:
        """Return whether a layer's entry says nothing that is not so below already; whatever is a folder's is its.

        Args:
            member: no whiteout and no hard link.
            content: of a regular file, read from its beginning and put back there.
            epoch: no time stamp counts as later.
        """
        below = self.entry(plain(member.name))
        if below is None or (below.kind, below.rights, below.attributes) != facts(member):
            return False
        if member.isdir():
            return True
        if (below.link, below.device) != (member.linkname, _device(member)) or _late(below.mtime, epoch) != _late(
            member.mtime, epoch
        ):
            return False
        return content is None or (below.size == member.size and _same(below, content))

    def _read(self) -> None:
        while self._unread:
            layer = self._unread.pop(0)
            with tarfile.open(layer, "r:") as tar:
                members = tar.getmembers()
            for member in members:
                self._remove_for(plain(member.name))
            for member in members:
                name = plain(member.name)
                if not name.rpartition("/")[2].startswith(WHITEOUT):
                    if not member.isdir():
                        self._remove(name)
                    self._put(name, self._made(member, layer))

    def _made(self, member: tarfile.TarInfo, layer: Path) -> LowerEntry:
        target = self._entries.get(plain(member.linkname)) if member.islnk() else None
        if target is not None:
            return target
        kind, rights, attributes = facts(member)
        return LowerEntry(
            kind=kind,
            rights=rights,
            size=member.size,
            mtime=int(member.mtime),
            link=member.linkname,
            device=_device(member),
            attributes=attributes,
            layer=layer,
            offset=member.offset_data,
        )

    def _put(self, name: str, entry: LowerEntry) -> None:
        self._entries[name] = entry
        while name:
            folder, _, last = name.rpartition("/")
            known = self._children.setdefault(folder, set())
            if last in known:
                return
            known.add(last)
            name = folder

    def _remove_for(self, name: str) -> None:
        folder, _, last = name.rpartition("/")
        if last == OPAQUE:
            for child in self._children.get(folder, set()).copy():
                self._remove(joined(folder, child))
        elif last.startswith(WHITEOUT):
            self._remove(joined(folder, last.removeprefix(WHITEOUT)))

    def _remove(self, name: str) -> None:
        for child in self._children.pop(name, set()):
            self._remove(joined(name, child))
        self._entries.pop(name, None)
        folder, _, last = name.rpartition("/")
        self._children.get(folder, set()).discard(last)


def plain(name: str) -> str:
    """Return an entry's path without what tars put around it."""
    return name.removeprefix("./").rstrip("/")


def joined(folder: str, name: str) -> str:
    """Return the path of something in a folder, which may be the root."""
    return f"{folder}/{name}" if folder else name


def facts(member: tarfile.TarInfo) -> tuple[bytes, tuple[int, int, int], Mapping[str, str]]:
    """Return kind, rights and attributes; engines differ in whether the mode in a layer tells the kind, too."""
    kind = tarfile.REGTYPE if member.isreg() else member.type
    return kind, (member.mode & 0o7777, member.uid, member.gid), attributes(member)


def attributes(member: tarfile.TarInfo) -> dict[str, str]:
    """Return an entry's extended attributes."""
    return {key: value for key, value in member.pax_headers.items() if key.startswith("SCHILY.xattr.")}


def _device(member: tarfile.TarInfo) -> tuple[int, int]:
    return (member.devmajor, member.devminor) if member.ischr() or member.isblk() else (0, 0)


def _late(mtime: float, epoch: int) -> int:
    return min(int(mtime), epoch)


def _same(below: LowerEntry, content: IO[bytes]) -> bool:
    left, same = below.size, True
    with below.layer.open("rb") as other:
        other.seek(below.offset)
        while same and left > 0:
            block = other.read(min(_BLOCK, left))
            same = bool(block) and content.read(len(block)) == block
            left -= len(block)
    content.seek(0)
    return same
