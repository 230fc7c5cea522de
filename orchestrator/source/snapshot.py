"""The snapshot: which files are built, their content digests, and the commit they belong to.

What git would ship, plus uncommitted changes: tracked files and those that are neither tracked nor ignored, with the
bytes that lie in the work tree. Reading costs about one `git status`: git's index says which tracked files did not
change, and their digests are remembered by blob id.
"""

from __future__ import annotations

import hashlib
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.errors import SourceUnreadableError
from orchestrator.source.file import FileKind, SourceFile, read_file
from orchestrator.source.git import SUBMODULE_MODE, GitTree, differs, read_git, read_index
from orchestrator.source.listing import KnownBlobs, Listing, recall_listing, remember_listing
from orchestrator.source.rules import ALWAYS_OUT, Exclusion, walk_without_git
from orchestrator.workspace import memo_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from orchestrator.source.settings import SourceSettings
    from orchestrator.workspace import Workspace

_LAST_SECOND = 253402300799
"""9999-12-31; images tell dates with four digits of the year."""

_RACY_NS = 100_000_000
"""A file that changed so shortly before git looked is not taken for what git saw (0.1 s: no clock is that coarse)."""

__all__ = ["FileKind", "Snapshot", "SourceFile", "take_snapshot"]

NO_COMMIT_EPOCH = 315532800
"""1980-01-01, the epoch of a source without a commit: a constant, and not before what zip files can say."""


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
    exclusion = Exclusion(settings.exclude)
    with ThreadPoolExecutor(1) as pool:
        listing = pool.submit(recall_listing, workspace, root, settings.exclude)
        tree = read_git(root, environment)
        if tree is None:
            paths = (path for path in walk_without_git(root) if not exclusion.covers(path))
            files = _sorted(found for path in paths if (found := read_file(root, path)) is not None)
            digest, hidden = _digest(files), False
        else:
            source = _Source(root=root, exclusion=exclusion, workspace=workspace, environment=environment)
            files, digest, hidden = _from_git(source, tree, listing.result(), patterns=settings.exclude)
    return Snapshot(
        root=root,
        files=files,
        digest=digest,
        commit=tree.commit if tree else None,
        dirty=hidden or bool(tree and (tree.changed or tree.untracked)),
        epoch=_epoch(environment, tree),
    )


def _sorted(files: Iterable[SourceFile]) -> tuple[SourceFile, ...]:
    # What os.fsencode does, without its checks, which cost more than the rest for 50,000 files.
    encoding, errors = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
    return tuple(sorted(files, key=lambda file: file.path.encode(encoding, errors)))


def _digest(files: tuple[SourceFile, ...]) -> str:
    text = "".join([f"{kind} {sha256} {path}\0" for path, sha256, _, kind in files])
    return f"sha256:{hashlib.sha256(os.fsencode(text)).hexdigest()}"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """Where files are read, and what of them."""

    root: Path
    exclusion: Exclusion
    workspace: Workspace
    environment: Mapping[str, str]

    def takes(self, path: str) -> bool:
        return ALWAYS_OUT.isdisjoint(path.split("/")) and not self.exclusion.covers(path)


def _from_git(
    source: _Source, tree: GitTree, known: Listing | None, *, patterns: Sequence[str]
) -> tuple[tuple[SourceFile, ...], str, bool]:
    """Return the files, their digest, and whether one has changed of which git was told not to look.

    The digest is remembered too, since hashing 50,000 lines takes as long as git.
    """
    name = memo_key({"index": tree.index, "settings": tree.settings})
    if known is None or known.name != name or any(path not in tree.changed for path in known.unsettled):
        known = _list(source, tree, name)
        remember_listing(source.workspace, source.root, patterns, known)
    # A repository among the untracked is named as a folder; its files are its own.
    unwatched = {path for path, _, _ in known.unwatched}
    fresh = {*tree.changed, *tree.untracked, *known.unsettled, *unwatched}
    if not fresh and not known.submodules:
        return known.files, known.digest, False
    files = [file for file in known.files if file.path not in fresh]
    for path in fresh:
        found = read_file(source.root, path) if not path.endswith("/") and source.takes(path) else None
        files += [found] if found else []
    for path in known.submodules:
        if source.takes(f"{path}/") and (source.root / path).exists():
            files += _submodule(source, path)
    ordered = _sorted(files)
    return ordered, _digest(ordered), any(differs(tree, each, source.environment) for each in known.unwatched)


def _list(source: _Source, tree: GitTree, name: str) -> Listing:
    """Return what is tracked, reading only files whose content git has not named yet."""
    index = read_index(tree, source.environment)
    known = KnownBlobs(source.workspace, source.root, index.conversion)
    files, unsettled, submodules = [], [], []
    for path, entry in index.tracked.items():
        if entry.mode == SUBMODULE_MODE:
            submodules.append(path)
        elif path not in index.unwatched and source.takes(path):
            blob = f"{entry.mode} {entry.blob}"
            found = None if path in tree.changed else known.file(path, blob)
            if found is None and path not in tree.changed:
                found = read_file(source.root, path)
                # What changed after git had looked is not what git calls by this name.
                if found is not None and _at_rest(source.root / path, tree.looked):
                    known.learn(blob, found)
                else:
                    found = None
            if found is None:
                unsettled.append(path)
            else:
                files.append(found)
    known.keep()
    entries = ((path, index.tracked[path]) for path in sorted(index.unwatched) if source.takes(path))
    unwatched = tuple((path, entry.mode, entry.blob) for path, entry in entries)
    ordered = _sorted(files)
    return Listing(
        name=name,
        files=ordered,
        digest=_digest(ordered),
        unsettled=tuple(unsettled),
        unwatched=unwatched,
        submodules=tuple(submodules),
    )


def _at_rest(place: Path, looked: int) -> bool:
    """Return whether a file has been as it is since before a moment (nanoseconds since the epoch)."""
    try:
        return place.lstat().st_ctime_ns < looked - _RACY_NS
    except OSError:
        return False


def _submodule(source: _Source, path: str) -> Iterator[SourceFile]:
    if not (source.root / path / ".git").exists():
        raise SourceUnreadableError(
            f"the submodule {path} is not checked out", repair="git submodule update --init --recursive"
        )
    root = source.root / path
    inner = read_git(root, source.environment)
    if inner is None:
        return
    below = _Source(root=root, exclusion=Exclusion(()), workspace=source.workspace, environment=source.environment)
    known = recall_listing(source.workspace, root, ())
    for file in _from_git(below, inner, known, patterns=())[0]:
        if not source.exclusion.covers(f"{path}/{file.path}"):
            yield file._replace(path=f"{path}/{file.path}")
