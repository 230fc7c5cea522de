"""What is seen while a run goes on: a status line a lane on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol

from orchestrator.events import NoteEvent, OutputEvent, StepEvent, StepState
from orchestrator.report.text import duration

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from orchestrator.events import Event
    from orchestrator.report.style import Style

_REDRAW_SECONDS = 0.1


class Progress(Protocol):
    """Takes events; `close` leaves the terminal as it was found."""

    def show(self, event: Event) -> None:
        """Show an event."""

    def close(self) -> None:
        """End the display."""


class Silent:
    """Shows nothing: `--quiet` and `--json`."""

    def show(self, event: Event) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Do nothing."""


class Lines:
    """One plain line for each finished step: for CI logs, pipes and dumb terminals."""

    def __init__(self, stream: TextIO, style: Style) -> None:
        self._stream, self._style = stream, style
        self._lock = threading.Lock()

    def show(self, event: Event) -> None:
        """Print the event if it ends a step or is a note."""
        text = _line(event)
        if text is None:
            return
        with self._lock:
            self._stream.write(self._style.shown(text) + "\n")
            self._stream.flush()

    def close(self) -> None:
        """Do nothing: every line is out."""


class Live:
    """One line a lane, drawn over; what ended with a failure or is a note stays above."""

    def __init__(self, stream: TextIO, style: Style, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._style, self._clock = stream, style, clock
        self._lock = threading.Lock()
        self._current: dict[str, tuple[str, float]] = {}
        self._drawn = 0
        self._last = 0.0

    def show(self, event: Event) -> None:
        """Redraw the lane's line."""
        with self._lock:
            lasting = _lasting(event)
            self._take(event)
            now = self._clock()
            if lasting is not None:
                self._erase()
                self._stream.write(self._style.shown(lasting) + "\n")
            elif now - self._last < _REDRAW_SECONDS:
                return
            self._last = now
            self._draw(now)

    def close(self) -> None:
        """Take the status lines away."""
        with self._lock:
            self._erase()
            self._stream.flush()

    def _take(self, event: Event) -> None:
        if isinstance(event, StepEvent):
            if event.state is StepState.STARTED:
                self._current[event.lane] = (event.name, self._clock())
            else:
                self._current.pop(event.lane, None)
        elif isinstance(event, OutputEvent) and event.lane in self._current and event.text.strip():
            name, began = self._current[event.lane]
            self._current[event.lane] = (f"{name.split(' | ')[0]} | {event.text.strip()}", began)

    def _draw(self, now: float) -> None:
        self._erase()
        for lane, (name, began) in sorted(self._current.items()):
            line = f"  {lane:7} {duration(now - began):>9}  {name}"
            self._stream.write(self._style.shown(self._style.cut(line, self._style.width - 1)) + "\n")
        self._drawn = len(self._current)
        self._stream.flush()

    def _erase(self) -> None:
        if self._drawn:
            self._stream.write(f"\x1b[{self._drawn}A\x1b[J")
            self._drawn = 0


def progress_for(stream: TextIO, style: Style, *, quiet: bool) -> Progress:
    """Return the display that fits a stream."""
    if quiet:
        return Silent()
    return Live(stream, style) if style.live else Lines(stream, style)


def _lasting(event: Event) -> str | None:
    if isinstance(event, NoteEvent) or (isinstance(event, StepEvent) and event.state is StepState.FAILED):
        return _line(event)
    return None


def _line(event: Event) -> str | None:
    if isinstance(event, NoteEvent):
        return f"  {event.lane:7} {event.text}"
    if isinstance(event, StepEvent) and event.state is not StepState.STARTED:
        took = "cached" if event.state is StepState.CACHED else duration(event.seconds)
        failed = " FAILED" if event.state is StepState.FAILED else ""
        return f"  {event.lane:7} {took:>9}  {event.name}{failed}"
    return None
