"""The local build's own copy of the sources.

The image build reads the laid-out snapshot while the local build runs, so that tree must hold still; and build scripts
of many projects write into their package's folder (generated code, completions). Here they may. What they wrote stays
for the next build, as it does in a checkout, and time stamps follow content, as cargo's freshness rule wants them.

A file of the snapshot that they wrote over is put back before the next build, as COPY does in the image, with the time
stamp that it had: a script that cargo runs again finds what the image's finds, and one that it does not run again has
nothing to do with what is there now.

What is copied gets an access time of 0. The kernel puts another one there when a file is read or a folder is listed
(also with `relatime`, which does so where the access time is older than the last change), so it is known later what a
build has looked at. Where it does not (`noatime`), all of it counts as looked at.
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import shutil
import stat
from typing import TYPE_CHECKING

from orchestrator.atomic import write_atomically
from orchestrator.source.snapshot import FileKind
from orchestrator.workspace import no_space_named

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from pathlib import Path

    from orchestrator.source.snapshot import SourceFile

_UNREAD = 0
"""The access time (ns since 1970) of what no build has looked at."""


def refresh(
    files: Iterable[SourceFile],
    tree: Path,
    worktree: Path,
    *,
    before: Callable[[Sequence[str]], None] = lambda _paths: None,
) -> tuple[str, ...]:
    """Bring what changed in the snapshot since the last call into the copy; return the paths that were written.

    Args:
        files: what the copy must hold, paths relative to both folders.
        tree: the laid-out snapshot.
        worktree: the copy. Files that the snapshot never had are left alone, as long as it is known which those are.
        before: told, before anything is changed, which files that change, and which folders that get or lose one, a
            build has looked at.

    Raises:
        NoSpaceError: the disk is full.
    """
    record, scratch = (worktree.with_name(f"{worktree.name}.{end}") for end in ("json", "incoming"))
    wanted: dict[str, list[str | int]] = {file.path: [file.sha256, str(file.kind)] for file in files}
    with no_space_named(worktree.parent):
        known = _read(record) if worktree.is_dir() else {}
        if known is None:
            # Without its record nobody can tell a stale source from what a build script wrote.
            shutil.rmtree(worktree)
            known = {}
        worktree.mkdir(parents=True, exist_ok=True)
        changed = tuple(path for path, facts in wanted.items() if known.get(path, [])[:2] != facts)
        gone = tuple(path for path in known if path not in wanted)
        touched = tuple(path for path in wanted if path not in changed and not _untouched(worktree / path, known[path]))
        if not changed and not gone and not touched:
            return ()
        if known:
            others = (*(path for path in changed if path in known), *gone)
            before(_looked_at(worktree, (*others, *_other_folders(known.keys(), wanted.keys()))))
        # A run that is killed here must not leave a record that lies: what is about to change is forgotten first, and
        # what is about to go is known until it is gone.
        _write(record, {path: facts for path, facts in known.items() if wanted.get(path, facts[:2]) == facts[:2]})
        for path in gone:
            _remove(worktree, path)
        spoiled = tuple(path for path in touched if not _same(worktree / path, wanted[path]))
        for path in (*changed, *spoiled):
            _make_room(worktree, path)
            _copy(tree / path, worktree / path, scratch, link=wanted[path][1] == FileKind.SYMLINK)
        for path in spoiled:
            _, _, *was = known[path]
            if was:
                os.utime(worktree / path, ns=(_UNREAD, int(was[1])), follow_symlinks=False)
        _unlisted(worktree, (*changed, *gone))
        _write(record, {path: [*facts, *_stamp(worktree / path)] for path, facts in wanted.items()})
    return (*changed, *spoiled)


def _looked_at(worktree: Path, paths: Iterable[str]) -> tuple[str, ...]:
    """Return which of these files were read, and which of these folders were listed."""
    asked = tuple(paths)
    if not asked or not _keeps_access_times(worktree):
        return asked
    return tuple(path for path in asked if _read_since(worktree / path))


def _other_folders(known: Collection[str], wanted: Collection[str]) -> tuple[str, ...]:
    """Return the folders that get or lose a file or a folder; those of Rust sources are cargo's to list."""
    come_or_gone = [path for path in {*known} ^ {*wanted} if not path.endswith(".rs")]
    if not come_or_gone:
        return ()
    stay = _folders(known) & _folders(wanted)
    found = set()
    for path in come_or_gone:
        folder = posixpath.dirname(path)
        while folder not in stay:
            found.add(folder)
            folder = posixpath.dirname(folder)
        found.add(folder)
    return tuple(sorted(folder or "." for folder in found))


def _folders(paths: Collection[str]) -> set[str]:
    """Return all folders above some paths; the tree itself is the empty one."""
    found = {""}
    for path in paths:
        folder = posixpath.dirname(path)
        while folder not in found:
            found.add(folder)
            folder = posixpath.dirname(folder)
    return found


def _read_since(place: Path) -> bool:
    try:
        return place.lstat().st_atime_ns != _UNREAD
    except OSError:
        return False


def _keeps_access_times(worktree: Path) -> bool:
    """Return whether the file system tells by a file's access time that it was read."""
    probe = worktree.with_name(f"{worktree.name}.probe")
    probe.write_bytes(b"?")
    try:
        os.utime(probe, ns=(_UNREAD, probe.stat().st_mtime_ns))
        probe.read_bytes()
        return _read_since(probe)
    finally:
        probe.unlink()


def _unlisted(worktree: Path, changed: Iterable[str]) -> None:
    """Let the folders of what was written or removed count as not looked at; their own changes keep their time."""
    for folder in {(worktree / path).parent for path in changed}:
        if folder.is_dir():
            os.utime(folder, ns=(_UNREAD, folder.stat().st_mtime_ns))


def _stamp(place: Path) -> list[int]:
    facts = place.lstat()
    return [facts.st_size, facts.st_mtime_ns, facts.st_mode]


def _untouched(place: Path, known: list[str | int]) -> bool:
    """Return whether a file looks as it did when its facts were written down."""
    try:
        return known[2:] == _stamp(place)
    except OSError:
        return False


def _same(place: Path, facts: list[str | int]) -> bool:
    """Return whether a file, whatever its time stamp, is what the snapshot has: digest and kind."""
    digest, kind = facts
    try:
        mode = place.lstat().st_mode
        if kind == FileKind.SYMLINK:
            return stat.S_ISLNK(mode) and hashlib.sha256(os.fsencode(place.readlink())).hexdigest() == digest
        executable = kind == FileKind.EXECUTABLE
        if not stat.S_ISREG(mode) or bool(mode & stat.S_IXUSR) is not executable:
            return False
        with place.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == digest
    except OSError:
        return False


def _remove(worktree: Path, path: str) -> None:
    place = worktree / path
    above = [folder for folder in place.parents if folder != worktree and folder.is_relative_to(worktree)]
    # A run that was killed may have put a link or a folder there already; what lies behind it is another file.
    if any(folder.is_symlink() or folder.is_file() for folder in above) or (place.is_dir() and not place.is_symlink()):
        return
    place.unlink(missing_ok=True)
    for folder in above:
        if folder.is_dir() and any(folder.iterdir()):
            return
        if folder.is_dir():
            folder.rmdir()


def _make_room(worktree: Path, path: str) -> None:
    """Make the parents of a path folders, and the path itself anything but one."""
    place = worktree / path
    parents = [folder for folder in reversed(place.parents) if folder != worktree and folder.is_relative_to(worktree)]
    for folder in parents:
        if folder.is_symlink() or folder.is_file():
            folder.unlink()
        folder.mkdir(exist_ok=True)
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)


def _copy(source: Path, target: Path, scratch: Path, *, link: bool) -> None:
    scratch.unlink(missing_ok=True)
    if link:
        scratch.symlink_to(source.readlink())
    else:
        shutil.copyfile(source, scratch)
        shutil.copymode(source, scratch)
    os.utime(scratch, ns=(_UNREAD, scratch.lstat().st_mtime_ns), follow_symlinks=False)
    scratch.replace(target)


def _read(record: Path) -> dict[str, list[str | int]] | None:
    try:
        found = json.loads(record.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _write(record: Path, facts: dict[str, list[str | int]]) -> None:
    write_atomically(record, json.dumps(facts).encode())
