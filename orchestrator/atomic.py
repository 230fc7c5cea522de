"""Files that are written whole or not at all: beside their place first, and renamed into it."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def write_atomically(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file so that readers see the old content or all of the new one, also after a power cut."""
    with written_beside(path, content, mode=mode):
        pass


@contextmanager
def written_beside(path: Path, content: bytes, *, mode: int = 0o644) -> Iterator[None]:
    """Have a file complete and on the disk before the block, under another name, and in its place after it.

    If the block raises, the file is as it was. A process that is killed within it leaves what `left_beside` finds.
    """
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with scratch.open("wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        scratch.chmod(mode)
        yield
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def left_beside(path: Path) -> tuple[Path, ...]:
    """Return what killed processes have left of a file that they were about to put in its place; maybe not whole."""
    return tuple(path.parent.glob(f".{path.name}.*"))
