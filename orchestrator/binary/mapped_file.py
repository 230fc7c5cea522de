"""A file in memory without being read into it."""

from __future__ import annotations

import mmap
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def mapped_file(path: Path) -> Iterator[tuple[mmap.mmap, memoryview]]:
    """Map a file that is not empty, for reading.

    Raises:
        OSError: it cannot be opened or mapped.
    """
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    view = memoryview(mapped)
    try:
        yield mapped, view
    finally:
        # Where an error is on its way (Ctrl-C, too), its frames still hold slices, and closing would hide it behind a
        # BufferError. The mapping goes with the last of them.
        with suppress(BufferError):
            view.release()
            mapped.close()
