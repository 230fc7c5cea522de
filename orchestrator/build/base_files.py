"""Files of an image that its base has as well, read from memory instead of out of the image.

The engine takes 0.05 s of a processor to give one file (measured on 20.10), and of the files that starting an image
takes all but a few are its base's: loader, libraries, shell. Whether a file is still the base's is told by the layers
above: where none of them says anything of its name, or of a folder's on the way, it is what the base's layers make it.
"""

from __future__ import annotations

import hashlib
import io
import posixpath
import threading
from typing import TYPE_CHECKING

from orchestrator.workspace import memo_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.binary.loading.root import FileStat, RootFiles
    from orchestrator.workspace import Workspace

_LARGEST = 32 << 20
"""Bytes of a file that is kept; what starts programs is smaller, and the workspace is no store of images."""


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
        self._looking = threading.Lock()

    def stat(self, path: str) -> FileStat | None:
        """Return what a path is; None where nothing is there."""
        with self._looking:
            if path not in self._stats:
                self._stats[path] = self._files.stat(path)
            return self._stats[path]

    def owner(self, path: str) -> tuple[int, int] | None:
        """Return user and group id of what a path is; None where nothing is there."""
        return self._files.owner(path)

    def capabilities(self, path: str) -> bool:
        """Return whether a file carries capabilities of its own."""
        return self._files.capabilities(path)

    def read(self, path: str, limit: int) -> bytes | None:
        """Return at most `limit` bytes of a regular file; None where there is none."""
        folder, name = posixpath.split(path)
        real = posixpath.join(self._real(folder), name)
        if not self._layers or not self._touched.isdisjoint(real.split("/")):
            return self._files.read(path, limit)
        key = memo_key({"layers": self._layers, "path": real, "limit": limit})
        known = self._kept(self._workspace.recall("base-file", key))
        if known is not None:
            return known
        content = self._files.read(path, limit)
        if content is not None and len(content) <= _LARGEST:
            digest, _ = self._workspace.keep_artifact(io.BytesIO(content))
            self._workspace.remember("base-file", key, digest)
        return content

    def _real(self, folder: str) -> str:
        """Return a folder's path without links in it: a layer may replace what one of them leads to."""
        if folder == "/":
            return folder
        above, name = posixpath.split(folder)
        step = posixpath.join(self._real(above), name)
        found = self.stat(step)
        return (found.link_target if found else None) or step

    def _kept(self, digest: object) -> bytes | None:
        if not isinstance(digest, str):
            return None
        try:
            content = self._workspace.artifact(digest).read_bytes()
        except FileNotFoundError:
            return None
        return content if hashlib.sha256(content).hexdigest() == digest else None
