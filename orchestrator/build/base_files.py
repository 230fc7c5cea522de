"""Files of an image that its base has as well, read from memory instead of out of the image.

The engine takes 0.05 s of a processor to give one file and 0.01 s to say what one is (measured on 20.10), and of the
files that starting an image takes all but a few are its base's: loader, libraries, shell. Whether a file is still the
base's is told by the layers above: where none of them says anything of its name, or of a folder's on the way, it is
what the base's layers make it. A folder's own rights are always asked for, since layers carry those of every folder
on their way; and so is where a link leads, which another link further on may have changed.
"""

from __future__ import annotations

import hashlib
import io
import posixpath
import stat as modes
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.workspace import BASE_FILES, memo_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.binary.loading.root import FileStat, RootFiles
    from orchestrator.workspace import Workspace

_LARGEST = 32 << 20
"""Bytes of a file that is kept; what starts programs is smaller, and the workspace is no store of images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A base's file or folder, as `FileStat` has it."""

    size: int
    mode: int
    link_target: None = None


class BaseFiles:
    """An image's files; what is read of its base is kept for the next image of that base.

    Args:
        files: the image's own.
        layers: diff ids of the base's layers.
        touched: the names, without folders, that the layers above say anything about.
        workspace: where contents are kept.
    """

    def __init__(
        self, files: RootFiles, *, layers: Sequence[str], touched: frozenset[str], workspace: Workspace
    ) -> None:
        self._files, self._layers, self._touched, self._workspace = files, tuple(layers), touched, workspace
        self._stats: dict[str, FileStat | None] = {}
        # The engine answers for one container one question at a time as well.
        self._looking = threading.RLock()

    def stat(self, path: str) -> FileStat | None:
        """Return what a path is; None where nothing is there."""
        with self._looking:
            if path not in self._stats:
                known = self._stat_of_base(path)
                self._stats[path] = known if known is not None and modes.S_ISREG(known.mode) else self._asked(path)
            return self._stats[path]

    def owner(self, path: str) -> tuple[int, int] | None:
        """Return user and group id of what a path is; None where nothing is there."""
        return self._files.owner(path)

    def capabilities(self, path: str) -> bool:
        """Return whether a file carries capabilities of its own."""
        return self._files.capabilities(path)

    def read(self, path: str, limit: int) -> bytes | None:
        """Return at most `limit` bytes of a regular file; None where there is none."""
        real = self._place(path)
        if not self._is_bases(real):
            return self._files.read(path, limit)
        key = memo_key({"layers": self._layers, "path": real, "limit": limit})
        known = self._kept(self._workspace.recall(BASE_FILES, key))
        if known is not None:
            return known
        content = self._files.read(path, limit)
        if content is not None and len(content) <= _LARGEST:
            digest, _ = self._workspace.keep_artifact(io.BytesIO(content))
            self._workspace.remember(BASE_FILES, key, digest)
        return content

    def _place(self, path: str) -> str:
        """Return a path without links on its way: a layer may replace what one of them leads to."""
        folder, name = posixpath.split(path)
        return posixpath.join(self._real(folder), name)

    def _real(self, folder: str) -> str:
        if folder == "/":
            return folder
        step = self._place(folder)
        with self._looking:
            known = self._stat_of_base(step)
        if known is not None and modes.S_ISDIR(known.mode):
            return step
        found = self.stat(step)
        return (found.link_target if found else None) or step

    def _is_bases(self, real: str) -> bool:
        return bool(self._layers) and self._touched.isdisjoint(real.split("/"))

    def _stat_of_base(self, path: str) -> FileStat | None:
        """Return what the base has there, where that is known and no link. A folder may have other rights by now."""
        if path == "/":
            return None
        real = self._place(path)
        known = self._workspace.recall("base-stat", self._stat_key(real)) if self._is_bases(real) else None
        match known:
            case [int(size), int(mode)]:
                return _Known(size=size, mode=mode)
        return None

    def _asked(self, path: str) -> FileStat | None:
        found = self._files.stat(path)
        real = self._place(path) if path != "/" else path
        if found is not None and found.link_target is None and self._is_bases(real):
            self._workspace.remember("base-stat", self._stat_key(real), [found.size, found.mode])
        return found

    def _stat_key(self, real: str) -> str:
        return memo_key({"layers": self._layers, "path": real})

    def _kept(self, digest: object) -> bytes | None:
        if not isinstance(digest, str):
            return None
        try:
            content = self._workspace.artifact(digest).read_bytes()
        except FileNotFoundError:
            return None
        return content if hashlib.sha256(content).hexdigest() == digest else None
