"""A program's output while it comes: bounded, searchable, and never left unread.

A program that floods its output must not make this slow, and text that is not kept must still be searched. So lines are
handled one by one only at the head and where something that is looked for occurs; all else passes in blocks, of which
the last are kept.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.engine.lines import Stream
from orchestrator.smoke.transcript import Line, Offence

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_TERMINAL_CODES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_LONGEST_LINE = 64 * 1024
"""A longer line is cut into pieces of this size: a program may print gigabytes without a line end."""

_LONGEST_SHOWN = 4096
_OVERLAP = 1024
"""How much of a cut line is searched again with its next piece, so that the cut hides nothing."""

_MOST_OFFENCES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LineMatch:
    """What a line is looked through for: a text in it, or a regular expression.

    Attributes:
        regex: compiled with MULTILINE, as it is also held against several lines at once.
        stream: the only stream that counts; None for both.
    """

    text: str | None = None
    regex: re.Pattern[str] | None = None
    stream: Stream | None = None

    def found_in(self, line: str) -> bool:
        """Return whether one line holds it."""
        if self.text is not None:
            return self.text in line
        return self.regex is not None and self.regex.search(line) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is looked for in an output.

    Attributes:
        ready: a line that somebody waits for.
        expected: lines of standard output, in this order.
        forbidden: texts that no line may hold.
        secrets: values that no line may hold, by their name; they are replaced before anything is kept.
    """

    ready: LineMatch | None = None
    expected: Sequence[str] = ()
    forbidden: Sequence[str] = ()
    secrets: Mapping[str, str]


class Output:
    """Collects what a program prints.

    Args:
        kept: bytes of text to keep: the first half of it from the head, the rest from the tail.
        limit: bytes after which `flooded` is set; it is still read, so that the program can be stopped.
        wanted: what is looked for.
        clock: seconds, monotonic.

    Attributes:
        count: lines so far.
        size: bytes so far.
        found_at: seconds after the start at which the ready line came.
        matched: how many of the expected lines came, in their order.
    """

    def __init__(self, *, kept: int, limit: int, wanted: Wanted, clock: Callable[[], float]) -> None:
        self._half, self._limit, self._wanted, self._clock = kept // 2, limit, wanted, clock
        self._began = clock()
        self._lock = threading.Lock()
        self._head: list[Line] = []
        self._head_size = 0
        self._tail: deque[tuple[Stream, str, float]] = deque()
        self._tail_size = 0
        self._rest: dict[Stream, bytes] = {Stream.STDOUT: b"", Stream.STDERR: b""}
        self._cut: dict[Stream, str] = {Stream.STDOUT: "", Stream.STDERR: ""}
        self._expected = [text.strip() for text in wanted.expected]
        self.offences: list[Offence] = []
        self.count = self.size = self.matched = self._dropped = 0
        self.found_at: float | None = None
        self.found, self.flooded = threading.Event(), threading.Event()

    def begin(self) -> None:
        """Set the time that lines are counted from."""
        self._began = self._clock()

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return round(self._clock() - self._began, 4)

    def feed(self, stream: Stream, chunk: bytes) -> None:
        """Take what arrived."""
        with self._lock:
            self.size += len(chunk)
            if self.size > self._limit:
                self.flooded.set()
            complete, end, rest = (self._rest[stream] + chunk).rpartition(b"\n")
            if end:
                self._take(stream, complete.decode(errors="replace"))
            while len(rest) > _LONGEST_LINE:
                self._take(stream, rest[:_LONGEST_LINE].decode(errors="replace"), cut=True)
                rest = rest[_LONGEST_LINE:]
            self._rest[stream] = rest

    def last_line(self) -> str:
        """Return the last line so far, empty where there is none."""
        with self._lock:
            if self._tail:
                return self._tail[-1][1].rpartition("\n")[2]
            return self._head[-1].text if self._head else ""

    def finish(self) -> tuple[tuple[Line, ...], int]:
        """Return (head and tail, bytes between them that are not kept); what had no line end counts as a line."""
        with self._lock:
            for stream, rest in self._rest.items():
                if rest:
                    self._take(stream, rest.decode(errors="replace"))
                self._rest[stream] = b""
            tail = [
                Line(stream=stream, text=_shown(text), at=at)
                for stream, block, at in self._tail
                for text in block.split("\n")
            ]
            self._dropped += self._trim(tail)
            return (*self._head, *tail), self._dropped

    def _take(self, stream: Stream, block: str, *, cut: bool = False) -> None:
        """Take whole lines, or a piece of one that is too long."""
        if "\x1b" in block:
            block = _TERMINAL_CODES.sub("", block)
        if "\r" in block:
            block = block.replace("\r\n", "\n").removesuffix("\r")
        block = self._masked(block)
        at = self.elapsed()
        before = self._cut[stream]
        self._cut[stream] = block[-_OVERLAP:] if cut else ""
        self.count += block.count("\n") + (0 if cut else 1)
        self._search(stream, before + block, at)
        self._keep(stream, block, at)

    def _masked(self, block: str) -> str:
        for name, value in self._wanted.secrets.items():
            if value in block:
                block = block.replace(value, f"<{name}>")
                self._offend(f"the secret {name}", next(line for line in block.split("\n") if f"<{name}>" in line))
        return block

    def _search(self, stream: Stream, block: str, at: float) -> None:
        if self._wanted.ready is not None and not self.found.is_set() and self._is_ready(stream, block):
            self.found_at = at
            self.found.set()
        for name, value in self._wanted.secrets.items():
            if value in block:
                self._offend(f"the secret {name}", f"<{name}>, in a line of more than {_LONGEST_LINE:,} bytes")
        for text in self._wanted.forbidden:
            if text in block:
                self._offend(text, next(line for line in block.split("\n") if text in line))
        if stream is Stream.STDOUT and self.matched < len(self._expected) and self._expected[self.matched] in block:
            for line in block.split("\n"):
                if self.matched < len(self._expected) and line.strip() == self._expected[self.matched]:
                    self.matched += 1

    def _is_ready(self, stream: Stream, block: str) -> bool:
        match = self._wanted.ready
        if match is None or match.stream not in (None, stream):
            return False
        if match.text is not None:
            return match.text in block
        # A regular expression is meant for one line; most blocks hold no match at all and are not taken apart.
        return match.found_in(block) and any(match.found_in(line) for line in block.split("\n"))

    def _offend(self, what: str, line: str) -> None:
        known = any(offence.what == what for offence in self.offences)
        if not known and len(self.offences) < _MOST_OFFENCES:
            self.offences.append(Offence(what=what, line=_shown(line)))

    def _keep(self, stream: Stream, block: str, at: float) -> None:
        if not self._tail and self._head_size + len(block) <= self._half:
            self._head += [Line(stream=stream, text=_shown(text), at=at) for text in block.split("\n")]
            self._head_size += len(block)
            return
        if len(block) > self._half:
            if not self._tail:
                block = self._fill_head(stream, block, at)
            if len(block) > self._half:
                self._dropped += len(block) - self._half
                block = block[-self._half :]
        self._tail.append((stream, block, at))
        self._tail_size += len(block)
        while self._tail_size > self._half and len(self._tail) > 1:
            gone = len(self._tail.popleft()[1])
            self._tail_size -= gone
            self._dropped += gone

    def _fill_head(self, stream: Stream, block: str, at: float) -> str:
        room = max(0, self._half - self._head_size)
        taken = block[:room].rpartition("\n")[0] or block[:room]
        self._head += [Line(stream=stream, text=_shown(text), at=at) for text in taken.split("\n")]
        self._head_size = self._half
        return block[len(taken) :].removeprefix("\n")

    def _trim(self, tail: list[Line]) -> int:
        """Take whole lines off the tail's begin until it fits; return their size."""
        size, gone = sum(len(line.text) for line in tail), 0
        while size - gone > self._half and len(tail) > 1:
            gone += len(tail.pop(0).text)
        return gone


def _shown(line: str) -> str:
    """Return a line as it is kept: of bounded length."""
    if len(line) <= _LONGEST_SHOWN:
        return line
    return f"{line[:_LONGEST_SHOWN]}… ({len(line):,} characters)"
