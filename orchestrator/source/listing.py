"""What is remembered of tracked files, so that a warm snapshot costs about one `git status`.

Two memos. While git's index file is the same and `git status` names no change, the whole list of the last time holds.
Where the index is another one, the digest of each unchanged file is known by the id of its blob.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.source.file import FileKind, SourceFile
from orchestrator.workspace import memo_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from orchestrator.workspace import Workspace

_VERSION = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The tracked files of a folder that belong to the project, as they lie there unless `git status` names them.

    Attributes:
        name: what the list holds for: the index file and the settings that convert content.
        files: sorted by the bytes of their paths.
        digest: the snapshot's digest if these are all its files.
        unsettled: tracked files that were changed, or not yet at rest, when the list was made; not in `files`.
        unwatched: files of which git was told not to look, with mode and blob id in the index; not in `files`.
        submodules: their paths.
    """

    name: str
    files: tuple[SourceFile, ...]
    digest: str
    unsettled: tuple[str, ...]
    unwatched: tuple[tuple[str, str, str], ...]
    submodules: tuple[str, ...]


def recall_listing(workspace: Workspace, root: Path, patterns: Sequence[str]) -> Listing | None:
    """Return the last list of a folder, with these patterns left out."""
    said = workspace.recall("listing", _key(root, patterns))
    if not isinstance(said, dict):
        return None
    kinds = {str(kind): kind for kind in FileKind}
    return Listing(
        name=said["name"],
        # Columns: three lists of texts are read faster than thousands of small ones.
        files=tuple(
            map(SourceFile, said["paths"], said["sha256"], said["sizes"], map(kinds.__getitem__, said["kinds"]))
        ),
        digest=said["digest"],
        unsettled=tuple(said["unsettled"]),
        unwatched=tuple((path, mode, blob) for path, mode, blob in said["unwatched"]),
        submodules=tuple(said["submodules"]),
    )


def remember_listing(workspace: Workspace, root: Path, patterns: Sequence[str], listing: Listing) -> None:
    """Keep a folder's list in the place of the last one."""
    paths, digests, sizes, kinds = zip(*listing.files, strict=True) if listing.files else ((), (), (), ())
    value = {
        "name": listing.name,
        "paths": paths,
        "sha256": digests,
        "sizes": sizes,
        "kinds": kinds,
        "digest": listing.digest,
        "unsettled": listing.unsettled,
        "unwatched": listing.unwatched,
        "submodules": listing.submodules,
    }
    workspace.remember("listing", _key(root, patterns), value)


def _key(root: Path, patterns: Sequence[str]) -> str:
    # In another locale other texts stand for the same names.
    encoding = sys.getfilesystemencoding()
    return memo_key({"root": str(root), "exclude": list(patterns), "encoding": encoding, "v": _VERSION})


class KnownBlobs:
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
        """Return the file that lies at a path if what git calls by this name lies there."""
        facts = self._now.get(blob) or self._old.get(blob)
        if facts is None:
            return None
        self._now[blob] = facts
        return SourceFile(path=path, sha256=str(facts[0]), size=int(facts[1]), kind=FileKind(str(facts[2])))

    def learn(self, blob: str, file: SourceFile) -> None:
        """Remember what a blob is in the work tree."""
        self._now[blob] = [file.sha256, file.size, str(file.kind)]
        self._learned = True

    def keep(self) -> None:
        """Write what is known of the blobs that were asked for; what nobody asked for is forgotten."""
        if self._learned or len(self._now) != len(self._old):
            self._workspace.remember("blobs", self._key, self._now)
