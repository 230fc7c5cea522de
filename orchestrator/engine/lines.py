"""What programs print, as lines."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


_LONGEST = 1 << 20
"""Bytes after which a line is passed on although it has not ended: a program may print for ever without one."""


class Stream(StrEnum):
    """Where a line came from."""

    STDOUT = "stdout"
    STDERR = "stderr"


class LineSplitter:
    """Turns chunks into lines, one splitter a stream; bytes that are no UTF-8 become replacement characters."""

    def __init__(self, on_line: Callable[[Stream, str], None]) -> None:
        self._on_line = on_line
        self._rest: dict[Stream, bytes] = {Stream.STDOUT: b"", Stream.STDERR: b""}

    def feed(self, stream: Stream, chunk: bytes) -> None:
        """Take a chunk and pass on each line that it completes."""
        *lines, self._rest[stream] = (self._rest[stream] + chunk).split(b"\n")
        for line in lines:
            self._on_line(stream, line.decode(errors="replace").rstrip("\r"))
        if len(self._rest[stream]) > _LONGEST:
            self._on_line(stream, self._rest[stream].decode(errors="replace"))
            self._rest[stream] = b""

    def finish(self) -> None:
        """Pass on last lines that have no line end."""
        for stream, rest in self._rest.items():
            if rest:
                self._on_line(stream, rest.decode(errors="replace"))
            self._rest[stream] = b""
