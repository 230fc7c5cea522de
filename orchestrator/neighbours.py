"""Other projects' runs of this user: they share the engine, and the tool's own images on it.

Each run holds a lock of this user's for its length, together with all others; `invoke clean` asks for it alone. Another
one is held for moments, by whoever removes an image or makes sure that one stays. The kernel frees both when a process
ends, however it ends.
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

_TURN_SECONDS = 10.0
"""A turn takes a second at most. A process that was stopped (SIGSTOP) in its own stops the others for no longer."""
_GLANCE_SECONDS = 0.01


@contextmanager
def beside_others(*, alone: bool = False) -> Iterator[bool]:
    """Be one of this user's runs until the end of the block; yield whether it is the only one.

    Args:
        alone: no other one begins meanwhile, if it is the only one. Otherwise nobody asks, and False is yielded.
    """
    try:
        handle = _opened("lock")
    except OSError:
        yield alone
        return
    try:
        yield (alone and _taken(handle, fcntl.LOCK_EX)) or _among_others(handle)
    finally:
        os.close(handle)


def _among_others(handle: int) -> bool:
    """Take the lock with all others, waiting for one that has it alone; always False."""
    _await(handle, fcntl.LOCK_SH, seconds=_PATIENCE_SECONDS, pause=_PAUSE_SECONDS)
    return False


@contextmanager
def in_turn() -> Iterator[None]:
    """Keep this user's other processes and threads that are in turn waiting until the end of the block.

    A removal of an image asks first who uses it and takes it away later (0.1 s and more where the engine has much to
    do). Who begins to use it in between has a container of an image that is gone. The engine keeps no order here.
    """
    try:
        handle = _opened("turn")
    except OSError:
        yield
        return
    try:
        _await(handle, fcntl.LOCK_EX, seconds=_TURN_SECONDS, pause=_GLANCE_SECONDS)
        yield
    finally:
        os.close(handle)


def _await(handle: int, kind: int, *, seconds: float, pause: float) -> None:
    """Take a lock, or go on without it when the time is over."""
    until = time.monotonic() + seconds
    while not _taken(handle, kind) and time.monotonic() < until:
        time.sleep(pause)


def _taken(handle: int, kind: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
        return True
    return False


def _opened(name: str) -> int:
    place = Path(tempfile.gettempdir()) / f"twinbuild-{os.getuid()}.{name}"
    # In a folder that everybody may write to: nobody's link is followed.
    return os.open(place, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
