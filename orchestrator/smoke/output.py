"""A program's output while it comes: bounded, in lines, and searchable by those who wait for a text."""

from __future__ import annotations

import re
import threading
from collections import deque
from typing import TYPE_CHECKING

from orchestrator.engine.process import LineSplitter, Stream
from orchestrator.smoke.transcript import Line

if TYPE_CHECKING:
    from collections.abc import Callable

_TERMINAL_CODES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_LONGEST_LINE = 64 * 1024
"""A longer line is cut into pieces of this size: a program may print gigabytes without a line end."""


class Output:
    """Collects what a program prints.

    Args:
        kept: bytes of text to keep: the first half of it from the head, the rest from the tail.
        wanted: a text that somebody waits for; None for none.
        clock: seconds, monotonic.
    """

    def __init__(self, *, kept: int, wanted: str | None, clock: Callable[[], float]) -> None:
        self._half, self._wanted, self._clock = kept // 2, wanted, clock
        self._began = clock()
        self._lock = threading.Lock()
        self._splitter = LineSplitter(self._line)
        self._head: list[Line] = []
        self._tail: deque[Line] = deque()
        self._head_size = self._tail_size = 0
        self._pending: dict[Stream, int] = {Stream.STDOUT: 0, Stream.STDERR: 0}
        self.count = 0
        self.dropped = 0
        self.found_at: float | None = None
        self.found = threading.Event()

    def begin(self) -> None:
        """Set the time that lines are counted from."""
        self._began = self._clock()

    def feed(self, stream: Stream, chunk: bytes) -> None:
        """Take what arrived."""
        with self._lock:
            for start in range(0, len(chunk), _LONGEST_LINE):
                piece = chunk[start : start + _LONGEST_LINE]
                self._pending[stream] += len(piece)
                if b"\n" in piece:
                    self._pending[stream] = len(piece) - piece.rindex(b"\n") - 1
                elif self._pending[stream] > _LONGEST_LINE:
                    piece += b"\n"
                    self._pending[stream] = 0
                self._splitter.feed(stream, piece)

    def finish(self) -> tuple[Line, ...]:
        """Return head and tail; what had no line end counts as a line."""
        with self._lock:
            self._splitter.finish()
            return (*self._head, *self._tail)

    def _line(self, stream: Stream, text: str) -> None:
        at = self._clock() - self._began
        plain = _TERMINAL_CODES.sub("", text)
        self.count += 1
        if self._wanted is not None and not self.found.is_set() and self._wanted in plain:
            self.found_at = at
            self.found.set()
        line = Line(stream=stream, text=plain, at=round(at, 4))
        if self._head_size + len(plain) <= self._half and not self._tail:
            self._head.append(line)
            self._head_size += len(plain)
            return
        self._tail.append(line)
        self._tail_size += len(plain)
        while self._tail_size > self._half and len(self._tail) > 1:
            gone = len(self._tail.popleft().text)
            self._tail_size -= gone
            self.dropped += gone
