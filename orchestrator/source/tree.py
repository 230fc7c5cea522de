"""The snapshot laid out as files: the one tree that both builds read.

Time stamps there follow content. A file that did not change keeps its own, a changed one gets the present time, so
cargo's freshness rule (a source newer than its artifact) answers the right question: did the content change?
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.atomic import write_atomically
from orchestrator.errors import SourceUnreadableError
from orchestrator.source.snapshot import FileKind, Snapshot, SourceFile
from orchestrator.workspace import no_space_named

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK = 1 << 20
_ANOTHER_KIND = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EINVAL, errno.ELOOP})
"""What the system says of a path that is no longer the file, or no longer the link, that it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaidOut:
    """What laying out had to do; paths relative to the tree."""

    changed: tuple[str, ...]
    removed: tuple[str, ...]


def lay_out(snapshot: Snapshot, target: Path) -> LaidOut:
    """Make a folder hold exactly the snapshot, writing only what differs.

    A manifest beside the folder tells what was laid out and its time stamps. It is removed before anything is written
    and made anew at the end, so a killed run leaves no manifest; the next one then compares by content.

    Raises:
        SourceUnreadableError: a file changed between the snapshot and its copy, or cannot be read.
        NoSpaceError: the disk is full.
    """
    manifest = target.with_name(f"{target.name}.manifest.json")
    with no_space_named(target.parent):
        target.mkdir(parents=True, exist_ok=True)
        known = _read_manifest(manifest)
        wanted = {file.path for file in snapshot.files}
        there = _there(target)
        stale = [file for file in snapshot.files if not _is_there(target, file, known, there)]
        surplus = [path for path in there if path not in wanted]
        if not stale and not surplus and known is not None:
            return LaidOut(changed=(), removed=())
        manifest.unlink(missing_ok=True)
        for path in surplus:
            (target / path).unlink()
        changed = tuple(file.path for file in stale if _write(snapshot.root, target, file))
        _remove_empty_folders(target)
        _write_manifest(manifest, target, snapshot)
    return LaidOut(changed=changed, removed=tuple(surplus))


def _is_there(
    target: Path, file: SourceFile, known: dict[str, list[object]] | None, there: dict[str, tuple[int, int]]
) -> bool:
    if known is None:
        return _same_content(target / file.path, file)
    facts = known.get(file.path)
    return facts is not None and facts == [file.sha256, file.kind, *there.get(file.path, ())]


def _same_content(place: Path, file: SourceFile) -> bool:
    try:
        mode = place.lstat().st_mode
        if file.kind is FileKind.SYMLINK:
            return stat.S_ISLNK(mode) and _hex(os.fsencode(place.readlink())) == file.sha256
        if not stat.S_ISREG(mode) or bool(mode & stat.S_IXUSR) is not (file.kind is FileKind.EXECUTABLE):
            return False
        with place.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256
    except OSError:
        return False


def _hex(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write(root: Path, target: Path, file: SourceFile) -> bool:
    """Copy one file, hashing what is copied; returns whether it had to be."""
    place = target / file.path
    _clear_the_way(target, place)
    try:
        digest = _copy_link(root / file.path, place) if file.kind is FileKind.SYMLINK else _copy(root, place, file)
    except OSError as error:
        if error.errno == errno.EACCES:
            raise SourceUnreadableError(
                f"{file.path} cannot be read: {error.strerror}", repair="make it readable, or leave it out by `exclude`"
            ) from error
        if error.errno not in _ANOTHER_KIND:
            raise
        digest = ""
    if digest != file.sha256:
        raise SourceUnreadableError(
            f"{file.path} changed while the build was reading it", repair="run the build again once it is at rest"
        )
    return True


def _copy_link(source: Path, place: Path) -> str:
    text = source.readlink()
    place.symlink_to(text)
    return _hex(os.fsencode(text))


def _copy(root: Path, place: Path, file: SourceFile) -> str:
    digest = hashlib.sha256()
    with (root / file.path).open("rb") as source, place.open("xb") as out:
        while block := source.read(_BLOCK):
            digest.update(block)
            out.write(block)
        os.fchmod(out.fileno(), 0o755 if file.kind is FileKind.EXECUTABLE else 0o644)
    return digest.hexdigest()


def _clear_the_way(target: Path, place: Path) -> None:
    """Remove what stands where the file goes: an old version, a folder, or a file where a folder is needed."""
    for folder in reversed(place.relative_to(target).parents[:-1]):
        above = target / folder
        if above.is_symlink() or above.is_file():
            above.unlink()
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    place.unlink(missing_ok=True)


def _there(target: Path) -> dict[str, tuple[int, int]]:
    """Return what lies in a folder, by path: (size in bytes, time of change in nanoseconds)."""
    found = {}
    folders = [""]
    while folders:
        folder = folders.pop()
        with os.scandir(f"{target}/{folder}") as entries:
            for entry in entries:
                path = f"{folder}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    folders.append(f"{path}/")
                else:
                    facts = entry.stat(follow_symlinks=False)
                    found[path] = (facts.st_size, facts.st_mtime_ns)
    return found


def _remove_empty_folders(target: Path) -> None:
    for folder, _, _ in os.walk(target, topdown=False):
        if folder != str(target):
            with suppress(OSError):  # The system refuses to remove a folder that holds something.
                os.rmdir(folder)  # noqa: PTH106 - os.walk gives strings


def _read_manifest(path: Path) -> dict[str, list[object]] | None:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _write_manifest(path: Path, target: Path, snapshot: Snapshot) -> None:
    content = {}
    for file in snapshot.files:
        facts = os.lstat(target / file.path)
        content[file.path] = [file.sha256, file.kind, facts.st_size, facts.st_mtime_ns]
    write_atomically(path, json.dumps(content).encode())
