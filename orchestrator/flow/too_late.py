"""From a moment on a run is not interrupted any more: what follows takes moments, and is done whole or not at all."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENDING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def too_late_to_interrupt() -> Iterator[None]:
    """Take no notice of SIGINT and SIGTERM until the end of the block, where this is the main thread.

    Handlers are changed and no signal is blocked: another thread would take it then, and the main thread act on it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: None) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            # None: whoever set it is not Python, and it cannot be set again from here.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
