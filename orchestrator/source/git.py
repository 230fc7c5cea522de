"""What git knows of a folder: its files, the commit, and what was changed since."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.engine.process import run
from orchestrator.errors import SourceUnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_ELSEWHERE = frozenset(
    f"GIT_{name}"
    for name in (
        *("DIR", "WORK_TREE", "COMMON_DIR", "INDEX_FILE", "OBJECT_DIRECTORY", "ALTERNATE_OBJECT_DIRECTORIES", "PREFIX"),
        *("NAMESPACE", "GRAFT_FILE", "SHALLOW_FILE", "LITERAL_PATHSPECS", "GLOB_PATHSPECS", "ICASE_PATHSPECS"),
    )
)
"""What makes git read another repository than the one that a folder lies in (`git rev-parse --local-env-vars`)."""

SUBMODULE_MODE = "160000"
_LINK_MODE, _EXECUTABLE_MODE = "120000", "100755"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """A file in git's index: its mode (`100644`, `100755`, `120000`, `160000`) and the id of its blob."""

    mode: str
    blob: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GitTree:
    """What git says of a folder in a work tree without listing all its files; paths relative to the folder.

    Attributes:
        root: the folder, links resolved.
        changed: paths whose content in the work tree or the index is not the commit's, or that are gone.
        untracked: paths that are neither tracked nor ignored; a repository among them ends with a slash.
        index: digest of the index file.
        settings: what git's configuration says of line ends and filters.
        looked: when git began to look at the work tree, nanoseconds since the epoch.
    """

    root: Path
    changed: frozenset[str]
    untracked: tuple[str, ...]
    commit: str | None
    epoch: int | None
    index: str
    settings: str
    looked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GitIndex:
    """What the index lists below a folder, paths relative to it.

    Attributes:
        tracked: all of it.
        unwatched: paths of which git was told not to look at the work tree (assume-unchanged, skip-worktree).
        conversion: a digest of all that makes work tree bytes differ from blobs.
    """

    tracked: Mapping[str, Tracked]
    unwatched: frozenset[str]
    conversion: str


def read_git(root: Path, environment: Mapping[str, str]) -> GitTree | None:
    """Return what git knows of a folder, or None where it lies in no work tree (or is ignored there).

    Raises:
        ToolMissingError: there is a work tree and no git.
        SourceUnreadableError: git refuses to read it.
    """
    # Through links git tells other paths than were asked for.
    root = root.resolve()
    top = _work_tree(root)
    if top is None:
        return None
    prefix = os.path.relpath(root, top)
    prefix = "" if prefix == "." else f"{prefix}/"
    ask = _Asking(root, environment)
    if prefix and ask.succeeds("check-ignore", "-q", "."):
        return None
    index, looked = _index_digest(top), time.time_ns()
    with ThreadPoolExecutor(3) as pool:
        status = pool.submit(
            ask.answer, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--ignore-submodules=none",
            "--no-renames", "--", ".",
        )  # fmt: skip
        head = pool.submit(ask.words, "log", "-1", "--format=%H %ct", "--no-show-signature")
        settings = pool.submit(ask.words, "config", "--get-regexp", r"^(core\.(autocrlf|eol|safecrlf)|filter\.)")
        changed, untracked = _status(status.result(), prefix)
        commit = head.result().split()
    return GitTree(
        root=root,
        changed=frozenset(changed),
        untracked=untracked,
        commit=commit[0] if commit else None,
        epoch=int(commit[1]) if commit else None,
        index=index,
        settings=settings.result(),
        looked=looked,
    )


def read_index(tree: GitTree, environment: Mapping[str, str]) -> GitIndex:
    """Return what the index lists.

    Raises:
        SourceUnreadableError: git refuses to read it.
    """
    listed = tuple(_tracked(_Asking(tree.root, environment).answer("ls-files", "-s", "-v", "-z", "--", ".")))
    attributes = [entry.blob for path, entry, _ in listed if path.rsplit("/", 1)[-1] == ".gitattributes"]
    return GitIndex(
        tracked={path: entry for path, entry, _ in listed},
        unwatched=frozenset(path for path, _, watched in listed if not watched),
        conversion=hashlib.sha256("\0".join([tree.settings, *attributes]).encode()).hexdigest(),
    )


def differs(tree: GitTree, entry: tuple[str, str, str], environment: Mapping[str, str]) -> bool:
    """Return whether a file is another one than the index names, by path, mode and blob id.

    For those that `git status` passes over. One that is not there (a sparse checkout) counts as unchanged.

    Raises:
        SourceUnreadableError: git cannot read it.
    """
    path, mode, blob = entry
    place = tree.root / path
    try:
        found = place.lstat().st_mode
        if stat.S_ISLNK(found):
            asked, content = ("--stdin", "--no-filters"), os.fsencode(place.readlink())
            return mode != _LINK_MODE or _Asking(tree.root, environment).blob(asked, content) != blob
        executable = bool(found & stat.S_IXUSR)
    except OSError:
        return False
    if not stat.S_ISREG(found) or mode == _LINK_MODE or executable is not (mode == _EXECUTABLE_MODE):
        return True
    # By its path, since what `.gitattributes` says of that changes the bytes.
    return _Asking(tree.root, environment).blob((f"--path={path}", "--stdin"), place.read_bytes()) != blob


def _index_digest(top: Path) -> str:
    place = top / ".git"
    try:
        # In worktrees and submodules it is a file that names the folder (gitrepository-layout(5)).
        if place.is_file():
            place = top / os.fsdecode(place.read_bytes()).removeprefix("gitdir:").strip()
        return hashlib.sha256((place / "index").read_bytes()).hexdigest()
    except OSError:
        # No file was ever added, or git will say what is wrong.
        return ""


def _work_tree(root: Path) -> Path | None:
    """Return the top of the work tree that a folder lies in; `.git` is a file in worktrees and submodules."""
    return next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), None)


class _Asking:
    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self._root = root
        # No lock is taken: a snapshot must not get in the way of the user's own git commands.
        # A hook of git's runs with variables that name its own repository and index.
        kept = {name: value for name, value in environment.items() if name not in _ELSEWHERE}
        self._environment = {**kept, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C.UTF-8"}

    def answer(self, *arguments: str) -> bytes:
        done = run(["git", *arguments], cwd=self._root, environment=self._environment)
        if done.exit_code:
            raise _refused(self._root, done.stderr.decode(errors="replace"))
        return done.stdout

    def blob(self, options: tuple[str, ...], content: bytes) -> str:
        done = run(["git", "hash-object", *options], cwd=self._root, environment=self._environment, stdin=content)
        if done.exit_code:
            raise _refused(self._root, done.stderr.decode(errors="replace"))
        return done.stdout.decode().strip()

    def words(self, *arguments: str) -> str:
        """Return an answer that may rightly be missing (no commit yet, no such setting)."""
        done = run(["git", *arguments], cwd=self._root, environment=self._environment)
        return "" if done.exit_code else done.stdout.decode(errors="replace")

    def succeeds(self, *arguments: str) -> bool:
        return run(["git", *arguments], cwd=self._root, environment=self._environment).exit_code == 0


def _refused(root: Path, said: str) -> SourceUnreadableError:
    if "dubious ownership" in said:
        return SourceUnreadableError(
            f"git refuses to read {root}: it belongs to another user",
            repair=f"git config --global --add safe.directory {root}",
        )
    return SourceUnreadableError(
        f"git cannot read {root}",
        repair="run `git status` there; what it says has to be mended first",
        detail=tuple(said.strip().splitlines()[-5:]),
    )


def _tracked(listing: bytes) -> Iterator[tuple[str, Tracked, bool]]:
    """Yield (path, entry, whether git watches it); the tag is in lower case or `S` where it does not."""
    for entry in listing.split(b"\0"):
        if not entry:
            continue
        facts, _, path = entry.partition(b"\t")
        tag, mode, blob, _stage = facts.decode().split()
        yield os.fsdecode(path), Tracked(mode=mode, blob=blob), tag.isupper() and tag != "S"


def _status(listing: bytes, prefix: str) -> tuple[set[str], tuple[str, ...]]:
    """Return (changed, untracked) paths below the prefix; porcelain paths are relative to the top."""
    changed, untracked = set(), []
    for entry in listing.split(b"\0"):
        path = os.fsdecode(entry[3:])
        if not path or not path.startswith(prefix):
            continue
        below = path[len(prefix) :]
        if entry.startswith(b"??"):
            untracked.append(below)
        else:
            changed.add(below)
    return changed, tuple(untracked)
