"""The snapshot: which files are built, their content digests, and the commit they belong to.

What git would ship, plus uncommitted changes: tracked files and those that are neither tracked nor ignored, with the
bytes that lie in the work tree. Reading costs about one `git status`: git's index says which tracked files did not
change, and their digests are remembered by blob id.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from orchestrator.errors import SourceUnreadableError
from orchestrator.source.git import SUBMODULE_MODE, GitTree, read_git, submodules
from orchestrator.source.rules import ALWAYS_OUT, Exclusion, walk_without_git
from orchestrator.workspace import memo_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from orchestrator.source.settings import SourceSettings
    from orchestrator.workspace import Workspace

_LAST_SECOND = 253402300799
"""9999-12-31; images tell dates with four digits of the year."""

_RACY_NS = 100_000_000
"""A file that changed so shortly before git looked is not taken for what git saw (0.1 s: no clock is that coarse)."""

NO_COMMIT_EPOCH = 315532800
"""1980-01-01, the epoch of a source without a commit: a constant, and not before what zip files can say."""


class FileKind(StrEnum):
    """What a file is; all that is kept of its mode."""

    FILE = "file"
    EXECUTABLE = "executable"
    SYMLINK = "symlink"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file of the project.

    Attributes:
        path: relative to the root, forward slashes; bytes that are no UTF-8 as surrogates.
        sha256: hex, of the content; of a link, of its text.
        size: bytes of the same.
    """

    path: str
    sha256: str
    size: int
    kind: FileKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The project's files at one moment.

    Attributes:
        files: sorted by the bytes of their paths.
        digest: `sha256:<hex>` over kind, content digest and path of every file; the same with and without git, and
            independent of time stamps, owners, umask and locale.
        commit: the commit that HEAD names, None without git or before the first commit.
        dirty: whether the files differ from that commit.
        epoch: seconds since 1970: SOURCE_DATE_EPOCH, else the commit's time, else `NO_COMMIT_EPOCH`.
    """

    root: Path
    files: tuple[SourceFile, ...]
    digest: str
    commit: str | None
    dirty: bool
    epoch: int


def take_snapshot(
    root: Path, settings: SourceSettings, *, workspace: Workspace, environment: Mapping[str, str]
) -> Snapshot:
    """Read which files are the project and what they hold.

    Args:
        root: the project's folder.
        settings: the spec's slice; its `root` has been applied already.
        workspace: remembers digests by blob id.
        environment: the caller's variables; SOURCE_DATE_EPOCH is read from it.

    Raises:
        SourceUnreadableError: a file cannot be read, or git refuses to read the tree.
        ToolMissingError: there is a git work tree and no git.
    """
    tree = read_git(root, environment)
    exclusion = Exclusion(settings.exclude)
    if tree is None:
        paths = [path for path in walk_without_git(root) if not exclusion.covers(path)]
        files = [found for path in paths if (found := _read(root, path)) is not None]
    else:
        files = _from_git(root, tree, exclusion, workspace=workspace, environment=environment)
    ordered = tuple(sorted(files, key=lambda file: os.fsencode(file.path)))
    return Snapshot(
        root=root,
        files=ordered,
        digest=_digest(ordered),
        commit=tree.commit if tree else None,
        dirty=bool(tree and (tree.changed or tree.untracked)),
        epoch=_epoch(environment, tree),
    )


def _digest(files: tuple[SourceFile, ...]) -> str:
    total = hashlib.sha256()
    for file in files:
        total.update(b"%s %s %s\0" % (file.kind.encode(), file.sha256.encode(), os.fsencode(file.path)))
    return f"sha256:{total.hexdigest()}"


def _epoch(environment: Mapping[str, str], tree: GitTree | None) -> int:
    given = environment.get("SOURCE_DATE_EPOCH")
    if given is not None:
        if not (given.isascii() and given.isdigit() and int(given[:20]) <= _LAST_SECOND):
            raise SourceUnreadableError(
                f"SOURCE_DATE_EPOCH is {given!r}; expected whole seconds since 1970",
                repair="unset SOURCE_DATE_EPOCH, or set it to the output of `git log -1 --format=%ct`",
            )
        return int(given)
    return tree.epoch if tree and tree.epoch is not None else NO_COMMIT_EPOCH


def _from_git(
    root: Path, tree: GitTree, exclusion: Exclusion, *, workspace: Workspace, environment: Mapping[str, str]
) -> list[SourceFile]:
    known = _Known(workspace, root, tree.conversion)
    files: list[SourceFile] = []
    for path, entry in tree.tracked.items():
        if entry.mode == SUBMODULE_MODE or _out(path) or exclusion.covers(path):
            continue
        settled = path not in tree.changed and path not in tree.unwatched
        found = known.file(path, f"{entry.mode} {entry.blob}") if settled else None
        if found is None:
            found = _read(root, path)
            # What changed after git had looked is not what git calls by this name.
            if found is not None and settled and _at_rest(root / path, tree.looked):
                known.learn(f"{entry.mode} {entry.blob}", found)
        if found is not None:
            files.append(found)
    for path in tree.untracked:
        # git names an untracked repository inside this one as a folder; its files are its own.
        if not path.endswith("/") and not _out(path) and not exclusion.covers(path):
            found = _read(root, path)
            files += [found] if found else []
    known.keep()
    for path in submodules(tree):
        if _out(path) or exclusion.covers(f"{path}/") or not (root / path).exists():
            continue
        files += _submodule(root, path, exclusion, workspace=workspace, environment=environment)
    return files


def _at_rest(place: Path, looked: int) -> bool:
    """Return whether a file has been as it is since before a moment (nanoseconds since the epoch)."""
    try:
        return place.lstat().st_ctime_ns < looked - _RACY_NS
    except OSError:
        return False


def _out(path: str) -> bool:
    return not ALWAYS_OUT.isdisjoint(path.split("/"))


def _submodule(
    root: Path, path: str, exclusion: Exclusion, *, workspace: Workspace, environment: Mapping[str, str]
) -> list[SourceFile]:
    if not (root / path / ".git").exists():
        raise SourceUnreadableError(
            f"the submodule {path} is not checked out", repair="git submodule update --init --recursive"
        )
    inner = read_git(root / path, environment)
    if inner is None:
        return []
    found = _from_git(root / path, inner, Exclusion(()), workspace=workspace, environment=environment)
    named = (
        SourceFile(path=f"{path}/{file.path}", sha256=file.sha256, size=file.size, kind=file.kind) for file in found
    )
    return [file for file in named if not exclusion.covers(file.path)]


class _Known:
    """Digests of work tree content by blob id, so that unchanged files are not read again.

    What lies in the work tree for a blob depends on conversion settings (line ends, filters), so those are part of
    the memo's key.
    """

    def __init__(self, workspace: Workspace, root: Path, conversion: str) -> None:
        self._workspace = workspace
        self._key = memo_key({"root": str(root), "conversion": conversion})
        found = workspace.recall("blobs", self._key)
        self._old: dict[str, list[str | int]] = found if isinstance(found, dict) else {}
        self._now: dict[str, list[str | int]] = {}
        self._learned = False

    def file(self, path: str, blob: str) -> SourceFile | None:
        facts = self._now.get(blob) or self._old.get(blob)
        if facts is None:
            return None
        self._now[blob] = facts
        return SourceFile(path=path, sha256=str(facts[0]), size=int(facts[1]), kind=FileKind(str(facts[2])))

    def learn(self, blob: str, file: SourceFile) -> None:
        self._now[blob] = [file.sha256, file.size, str(file.kind)]
        self._learned = True

    def keep(self) -> None:
        if self._learned or len(self._now) != len(self._old):
            self._workspace.remember("blobs", self._key, self._now)


def _read(root: Path, path: str) -> SourceFile | None:
    """Return a file as it lies in the work tree; None where it is gone or is no file (socket, device, folder)."""
    place = root / path
    try:
        facts = place.lstat()
        if stat.S_ISLNK(facts.st_mode):
            text = os.fsencode(place.readlink())
            return SourceFile(path=path, sha256=hashlib.sha256(text).hexdigest(), size=len(text), kind=FileKind.SYMLINK)
        if not stat.S_ISREG(facts.st_mode):
            return None
        with place.open("rb", buffering=0) as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            # Of what was read: the file may have grown since it was looked at.
            size = stream.tell()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SourceUnreadableError(
            f"{path} cannot be read: {error.strerror}",
            repair=f"make it readable, or leave it out with `source: {{exclude: [{json.dumps(path)}]}}`",
        ) from error
    kind = FileKind.EXECUTABLE if facts.st_mode & stat.S_IXUSR else FileKind.FILE
    return SourceFile(path=path, sha256=digest, size=size, kind=kind)
