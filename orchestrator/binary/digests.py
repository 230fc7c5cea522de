"""Digests over parts of a mapped file, in bounded memory: pages that were read are given back to the kernel."""

from __future__ import annotations

import hashlib
import mmap
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from hashlib import _Hash

_BLOCK = 1 << 23  # 8 MiB, a multiple of every page size
_LARGE = 1 << 27  # 128 MiB: from here on what was read is dropped, or a 1 GB program would take 1 GB of memory


@dataclass(frozen=True, slots=True)
class MappedFile:
    """A file that is mapped read-only, with a view of its bytes."""

    mapping: mmap.mmap
    view: memoryview

    def update(self, digest: _Hash, start: int, end: int) -> None:
        """Feed a range of the file to a digest."""
        end = min(end, len(self.view))
        for first in range(start, end, _BLOCK):
            digest.update(self.view[first : min(first + _BLOCK, end)])
            if len(self.view) >= _LARGE:
                self.forget(first, min(first + _BLOCK, end))

    def forget(self, start: int, end: int) -> None:
        """Let the kernel take the pages of a range back; they are read again when they are needed again."""
        first = start - start % mmap.PAGESIZE
        if end > first:
            self.mapping.madvise(mmap.MADV_DONTNEED, first, end - first)

    def sha256(self, start: int = 0, end: int | None = None) -> str:
        """Return the hex digest of a range; of the whole file without arguments."""
        digest = hashlib.sha256()
        self.update(digest, start, len(self.view) if end is None else end)
        return digest.hexdigest()

    def update_blanked(self, digest: _Hash, start: int, end: int, blanked: Iterable[tuple[int, int]]) -> None:
        """Feed a range with zeros in place of some parts of it."""
        end = min(end, len(self.view))
        for low, high in sorted(blanked):
            first, last = max(low, start), min(high, end)
            if first < last:
                self.update(digest, start, first)
                digest.update(bytes(last - first))
                start = last
        self.update(digest, start, end)
