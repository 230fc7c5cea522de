"""Threads that end together: whatever ends their block early ends what goes on in them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from concurrent.futures import Executor


@contextmanager
def ended_together(cancel: threading.Event, workers: int) -> Iterator[Executor]:
    """Give threads for the length of the block, whose end waits for them.

    An error sets `cancel` first, so that this wait is as long as it takes what goes on to heed it, and no longer.
    """
    with ThreadPoolExecutor(workers) as pool:
        try:
            yield pool
        except BaseException:
            cancel.set()
            raise
