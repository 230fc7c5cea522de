"""Layers that are known by the files that their instruction copies, and are made again out of these.

A layer is a plain copy where its COPY names files one by one, and each of them is new in the image. The next build of
the same Dockerfile then copies the same names, so its layer can be written without having the engine's own archive of
it: what differs is the files' content and time.
"""

from __future__ import annotations

import io
import posixpath
import stat
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.build.canonical_layer import COPIED_SINCE, IN_MEMORY, canonical_time, restored
from orchestrator.build.lower import Lower, attributes, plain
from orchestrator.engine.archive import Layer, layer_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from orchestrator.build.normalised import Normalisation
    from orchestrator.dockerfile.model import Instruction
    from orchestrator.engine.files import ContainerFiles
    from orchestrator.engine.files import Entry as FileEntry

_PATTERN = frozenset("*?[\\$\"'`")
"""What makes a word of COPY more than a path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry of a plain copy's canonical layer: a folder on the way, or one of the files.

    Attributes:
        name: its path, relative to the root.
        folder: whether it is one.
        new: whether no layer below has it: then its rights are this layer's doing.
        mode: rights, as in tars.
    """

    name: str
    folder: bool
    new: bool
    mode: int
    uid: int
    gid: int


def named_files(instruction: Instruction | None, lower: Lower) -> frozenset[str] | None:
    """Return the paths that an instruction's files can have in the image, or their names where it names a folder.

    None where it does not tell. A path begins with `/`, a name does not.
    """
    if instruction is None or not _names_paths(instruction):
        return None
    if instruction.keyword == "WORKDIR":
        return frozenset()
    *sources, place = instruction.values
    names = frozenset(posixpath.basename(word) for word in sources)
    if not all(names) or {".", ".."} & names:
        return None
    if len(sources) > 1 or place.endswith("/"):
        return names
    # As a file of that path, or into a folder that is there already: only then would it be a file under its own name.
    path = posixpath.normpath(place)
    if not path.startswith("/") or path == "/":
        return None
    return frozenset({posixpath.join(path, *names)} if lower.exists(plain(path[1:])) else {path})


def _names_paths(instruction: Instruction) -> bool:
    """Return whether it is a WORKDIR, or a COPY with nothing but paths and known flags."""
    if instruction.heredocs or instruction.trigger is not None or instruction.keyword not in {"COPY", "WORKDIR"}:
        return False
    if instruction.keyword == "WORKDIR":
        return True
    known = all(flag.startswith(("--from=", "--chown=", "--chmod=")) for flag in instruction.flags)
    return known and not any(_PATTERN & set(word) for word in instruction.values)


def plain_copy(saved: Path, canonical: Path, instruction: Instruction | None, lower: Lower) -> tuple[Entry, ...] | None:
    """Return the entries of a layer that is a plain copy, in their order; None for any other.

    Args:
        saved: the layer as the engine has it.
        canonical: what was made of it.
        instruction: that made it.
        lower: the layers below it.
    """
    names = named_files(instruction, lower)
    if names is None or instruction is None:
        return None
    with tarfile.open(saved, "r:") as tar:
        before = {plain(member.name) for member in tar if not member.isdir()}
    with tarfile.open(canonical, "r:") as tar:
        members = tar.getmembers()
    files = [plain(member.name) for member in members if not member.isdir()]
    expected = len(instruction.values) - 1 if instruction.keyword == "COPY" else 0
    as_named = all(
        (f"/{name}" in names or posixpath.basename(name) in names) and not lower.exists(name) for name in files
    )
    if not as_named or len(files) != expected or set(files) != before:
        return None
    if not all(member.isdir() or member.isreg() for member in members) or any(map(attributes, members)):
        return None
    return tuple(
        Entry(
            name=member.name,
            folder=member.isdir(),
            new=not lower.exists(plain(member.name)),
            mode=member.mode,
            uid=member.uid,
            gid=member.gid,
        )
        for member in members
    )


def written_again(
    files: ContainerFiles, entries: Sequence[Entry], out: Path, how: Normalisation, *, size: int
) -> Layer | None:
    """Write the canonical layer of a plain copy out of an image's files; None where it is not what it was.

    Args:
        files: of the image.
        entries: of the layer as it was made before.
        out: where it is written.
        how: as it was made before.
        size: bytes of all files of the layer, as the engine counts them.
    """
    sizes = list[int]()
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as target:
        for entry in entries:
            if entry.folder:
                if entry.new and not _same_rights(files.entry(f"/{plain(entry.name)}"), entry):
                    return None
                target.addfile(_member(entry, size=0, mtime=how.epoch))
                continue
            with files.member(f"/{plain(entry.name)}") as found:
                if found is None or not _alike(found[0], entry):
                    return None
                member, content = found
                sizes.append(member.size)
                if member.size <= IN_MEMORY:
                    content = io.BytesIO(content.read())
                    own = restored(content, member.size, how.restored)
                    member.size, content = (member.size, content) if own is None else (len(own), io.BytesIO(own))
                target.addfile(
                    _member(entry, size=member.size, mtime=canonical_time(int(member.mtime), how.epoch, COPIED_SINCE)),
                    content,
                )
    # Two files of one size may be one file of two names, which is one entry and a link.
    return layer_of(out) if sum(sizes) == size and len(set(sizes)) == len(sizes) else None


def _same_rights(found: FileEntry | None, entry: Entry) -> bool:
    expected = (stat.S_IFDIR | entry.mode & 0o7777, entry.uid, entry.gid)
    return found is not None and (found.mode, found.uid, found.gid) == expected


def _alike(member: tarfile.TarInfo, entry: Entry) -> bool:
    rights = (member.mode & 0o7777, member.uid, member.gid)
    return member.isreg() and rights == (entry.mode & 0o7777, entry.uid, entry.gid) and not attributes(member)


def _member(entry: Entry, *, size: int, mtime: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(entry.name)
    member.type = tarfile.DIRTYPE if entry.folder else tarfile.REGTYPE
    member.mode, member.uid, member.gid = entry.mode, entry.uid, entry.gid
    member.size, member.mtime = size, mtime
    return member
