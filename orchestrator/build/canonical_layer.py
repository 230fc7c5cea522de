"""One layer in its canonical form: the same change of files gives the same bytes, whichever engine stored it."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from orchestrator.build.leftovers import leftovers_in, removable, summed
from orchestrator.build.lower import OPAQUE, WHITEOUT, Lower, attributes, joined, plain
from orchestrator.engine.archive import Layer, layer_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from orchestrator.build.leftovers import Leftover
    from orchestrator.build.normalised import Normalisation

_OWN = re.compile(r"(?:\.wh\.)?\.twinbuild(?:\..*)?", re.DOTALL)
"""Names of the tool's own in layers, and the whiteouts that remove them again (dockerfile/harden.py says where)."""
COPIED_SINCE = 1577836800
"""From when on a copied file counts as made by the build: 2020-01-01. What the context brings is older (2001), and how
long a stage that files are copied from has been in the cache nobody can tell."""
IN_MEMORY = 8 * 1024 * 1024
"""Bytes of a file that may be a Dockerfile."""


def rewritten(
    saved: Path,
    out: Path,
    how: Normalisation,
    *,
    lower: Lower,
    step: tuple[str, int] = ("", 0),
    left: list[Leftover] | None = None,
    since: int | None = None,
) -> Layer:
    """Write a layer's canonical form: what it changes of the layers below, and nothing else.

    What the build host left in it is put into `left`. `since`: as in `canonical_time`.
    """
    with tarfile.open(saved, "r:") as source, tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as target:
        members = _named_whiteouts([member for member in source.getmembers() if not _is_own(member.name)], lower)
        for member in members:
            member.mtime = canonical_time(int(member.mtime), how.epoch, since)
        members = _changes(members, source, how, lower)
        found = list(leftovers_in(members))
        gone = removable(found, members) if how.without_leftovers else set()
        if gone:
            members = _changes([member for member in members if id(member) not in gone], source, how, lower)
        if left is not None:
            left.extend(summed(found, gone, keyword=step[0], after=step[1]))
        for member in sorted(members, key=_order(members)):
            content = source.extractfile(member) if member.isreg() and member.size else None
            sparse = member.issparse()
            if sparse:
                # What is read of it are all its bytes, the holes as zeros.
                member.type, member.sparse = tarfile.REGTYPE, None
            _clean(member, how.epoch)
            # (Read a second time, tarfile gives nothing but zeros for such a file.)
            own = None if sparse else restored(content, member.size, how.restored)
            if own is not None:
                member.size, content = len(own), io.BytesIO(own)
            target.addfile(member, content)
    return layer_of(out)


def canonical_time(mtime: int, epoch: int, since: int | None) -> int:
    """Return a file's time in the canonical layer; all are seconds since 1970.

    What the build has made gets the epoch, as nothing may be later. A layer that was cached before the epoch's commit
    holds earlier times, and a build without a cache later ones; both have to become the same.

    Args:
        mtime: as the engine has it.
        epoch: no file is later.
        since: from when on a file counts as made by the build; None where that is not known.
    """
    return epoch if mtime > epoch or (since is not None and mtime >= since) else mtime


def _order(members: Sequence[tarfile.TarInfo]) -> Any:
    """Return a sort key: by path, but a hard link after all files, since what it names must come first."""
    hard = {id(member) for member in members if member.islnk()}
    return lambda member: (id(member) in hard, member.name)


def _is_own(name: str) -> bool:
    return any(_OWN.fullmatch(part) for part in name.split("/"))


def _named_whiteouts(members: Sequence[tarfile.TarInfo], lower: Lower) -> list[tarfile.TarInfo]:
    """Return the entries with each "all below is gone" replaced by the names of what is gone."""
    kinds = {plain(member.name): member for member in members}
    named = [member for member in members if not member.name.endswith(f"/{OPAQUE}")]
    emptied = [plain(member.name).rpartition("/")[0] for member in members if member.name.endswith(f"/{OPAQUE}")]
    while emptied:
        folder = emptied.pop()
        for child in lower.children(folder):
            again = kinds.get(joined(folder, child))
            if again is None:
                named.append(tarfile.TarInfo(joined(folder, WHITEOUT + child)))
            elif again.isdir():
                emptied.append(joined(folder, child))
    return named


def _changes(
    members: Sequence[tarfile.TarInfo], source: tarfile.TarFile, how: Normalisation, lower: Lower
) -> list[tarfile.TarInfo]:
    """Return the entries that change something: not those that repeat what is below, and no folder just for these."""
    # A hard link's file has to lie in the same layer.
    linked = {plain(member.linkname) for member in members if member.islnk()}
    changed, around = [], set[str]()
    # What lies in a folder comes before it.
    for member in sorted(members, key=lambda member: plain(member.name).count("/"), reverse=True):
        name = plain(member.name)
        folder, _, last = name.rpartition("/")
        if last.startswith(WHITEOUT):
            needless = not lower.exists(joined(folder, last.removeprefix(WHITEOUT)))
        elif name in linked or name in around or member.islnk() or member.issparse():
            needless = False
        else:
            content = source.extractfile(member) if member.isreg() and member.size else None
            needless = lower.repeats(member, content, epoch=how.epoch)
        if not needless:
            changed.append(member)
            while folder not in around:
                around.add(folder)
                folder = folder.rpartition("/")[0]
    return changed


def _clean(member: tarfile.TarInfo, epoch: int) -> None:
    if plain(member.name).rpartition("/")[2].startswith(WHITEOUT):
        member.mode, member.uid, member.gid, member.mtime = 0, 0, 0, epoch
    elif member.isdir():
        # It says when something in it was made, if the driver lets it.
        member.mtime = epoch
    member.uname = member.gname = ""
    member.pax_headers = attributes(member)


def restored(content: IO[bytes] | None, size: int, own: Mapping[str, bytes]) -> bytes | None:
    """Return what to put in a file's place; None where it stays. The content is read, and put back to its beginning.

    Args:
        content: of a regular file, None for what has none.
        size: its bytes.
        own: as `Normalisation.restored` has it.
    """
    if content is None or size > IN_MEMORY:
        return None
    digest = hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]
    content.seek(0)
    return own.get(digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerNames:
    """What a canonical layer says anything about.

    Attributes:
        touched: the names, without the folders above, of all that it adds, replaces or removes; those of folders end in
            a slash, since a layer names every folder on its way.
        programs: its executable files, by absolute path.
    """

    touched: frozenset[str]
    programs: Mapping[str, tarfile.TarInfo]


def names_in(layer: Path) -> LayerNames:
    """Return what a canonical layer touches, and the programs that it holds."""
    with tarfile.open(layer, "r:") as tar:
        members = list(tar)
    touched = (
        plain(member.name).rpartition("/")[2].removeprefix(WHITEOUT) + ("/" if member.isdir() else "")
        for member in members
    )
    programs = (member for member in members if member.isreg() and member.mode & 0o111)
    return LayerNames(touched=frozenset(touched), programs={f"/{plain(member.name)}": member for member in programs})
