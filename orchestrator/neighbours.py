"""Whether other projects' runs of this user are going on: they share the tool's own images on the engine.

Each run holds a lock of this user's for its length, together with all others; `invoke clean` asks for it alone. The
kernel frees it when a process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENCE_SECONDS = 60.0
"""For an `invoke clean` that is at work elsewhere; after that a run begins beside it."""
_PAUSE_SECONDS = 0.1


@contextmanager
def beside_others(*, alone: bool = False) -> Iterator[bool]:
    """Be one of this user's runs until the end of the block; yield whether it is the only one.

    Args:
        alone: no other one begins meanwhile, if it is the only one. Otherwise nobody asks, and False is yielded.
    """
    try:
        # In a folder that everybody may write to: nobody's link is followed.
        handle = os.open(_place(), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        yield alone
        return
    try:
        yield (alone and _taken(handle, fcntl.LOCK_EX)) or _among_others(handle)
    finally:
        os.close(handle)


def _among_others(handle: int) -> bool:
    """Take the lock with all others, waiting for one that has it alone; always False."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while not _taken(handle, fcntl.LOCK_SH) and time.monotonic() < until:
        time.sleep(_PAUSE_SECONDS)
    return False


def _taken(handle: int, kind: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
        return True
    return False


def _place() -> Path:
    return Path(tempfile.gettempdir()) / f"twinbuild-{os.getuid()}.lock"
