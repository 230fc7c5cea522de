"""What is seen while a run goes on: two lines a lane on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from orchestrator.events import NoteEvent, OutputEvent, StepEvent, StepState
from orchestrator.report.figures import duration
from orchestrator.report.live import Screen
from orchestrator.report.untrusted import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from typing import TextIO

    from orchestrator.events import Event, Lane
    from orchestrator.report.style import Style

_REDRAW_SECONDS = 0.2
_SILENCE_SECONDS = 60.0
"""A CI server ends a job that prints nothing for long; a line a minute also says what takes the time."""

_PLAIN_WIDTH = 100
"""Columns of a plain line, whatever the RUN step's length."""

_OWN_SHOWN_SECONDS = 1.0
"""A step of this tool's own is told only if it takes this long, or fails."""


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


@dataclass(slots=True, kw_only=True)
class _Running:
    """A step at work. `said`: the last line that it printed."""

    lane: Lane
    name: str
    began: float
    said: str = ""


class _Display:
    """What both displays share: the steps at work, and a thread that lets time pass on the screen."""

    def __init__(self, stream: TextIO, style: Style, *, clock: Callable[[], float], every: float) -> None:
        self._stream, self._style, self._clock = stream, style, clock
        self._lock = threading.Lock()
        self._running: dict[tuple[str, str], _Running] = {}
        self._told: set[tuple[str, str]] = set()
        self._over = threading.Event()
        self._ticker = threading.Thread(target=self._tick, args=(every,), daemon=True)
        self._ticker.start()

    def show(self, event: Event) -> None:
        """Take an event."""

        def take() -> None:
            self._take(event)
            self._changed(event)

        self._alone(take)

    def close(self) -> None:
        """End the display."""
        self._alone(self._closed)
        self._over.set()
        self._ticker.join()

    def _alone(self, write: Callable[[], None]) -> None:
        """Let one thread write at a time; where nobody reads any more, or a disk is full, the run goes on unseen."""
        with self._lock:
            if self._over.is_set():
                return
            try:
                write()
            except OSError:
                self._over.set()

    def _take(self, event: Event) -> None:
        if isinstance(event, NoteEvent):
            return
        key = (event.lane, event.step)
        if isinstance(event, OutputEvent):
            step = self._running.get(key)
            if step is not None:
                step.said = one_line(event.text) or step.said
        elif event.state is StepState.STARTED:
            # A step may be told as started more than once.
            self._running.setdefault(key, _Running(lane=event.lane, name=one_line(event.name), began=self._clock()))
        else:
            self._running.pop(key, None)

    def _first_end(self, event: StepEvent) -> bool:
        """Tell whether a step's end is told for the first time: the engine repeats some."""
        key = (event.lane, event.step)
        if key in self._told:
            return False
        self._told.add(key)
        return True

    def _tick(self, every: float) -> None:
        while not self._over.wait(every):
            self._alone(self._passed)

    def _changed(self, event: Event) -> None:
        raise NotImplementedError

    def _passed(self) -> None:
        raise NotImplementedError

    def _closed(self) -> None:
        """End what is drawn."""


class Lines(_Display):
    """One plain line for each finished step: for CI logs, pipes and dumb terminals."""

    def __init__(self, stream: TextIO, style: Style, clock: Callable[[], float] = time.monotonic) -> None:
        self._written = clock()
        super().__init__(stream, style, clock=clock, every=_SILENCE_SECONDS / 4)

    def _changed(self, event: Event) -> None:
        if isinstance(event, NoteEvent):
            self._write(f"  {event.lane:7} {one_line(event.text)}")
        elif isinstance(event, StepEvent) and _worth_a_line(event) and self._first_end(event):
            self._write(_ended(event, self._style, _PLAIN_WIDTH))

    def _passed(self) -> None:
        now = self._clock()
        if now - self._written >= _SILENCE_SECONDS:
            for step in _oldest_by_lane(self._running.values()):
                said = f" {self._style.sign('·')} {step.said}" if step.said else ""
                text = f"  {step.lane:7} {duration(now - step.began):>9}  still at work: {step.name}{said}"
                self._write(self._style.cut(text, _PLAIN_WIDTH))

    def _write(self, text: str) -> None:
        self._written = self._clock()
        self._stream.write(self._style.shown(text) + "\n")
        self._stream.flush()


class Live(_Display):
    """Two lines a lane, drawn over: the step with its time, and its last output. What failed and notes stay above."""

    def __init__(self, stream: TextIO, style: Style, clock: Callable[[], float] = time.monotonic) -> None:
        self._screen = Screen(stream, style)
        self._drawn_at = 0.0
        super().__init__(stream, style, clock=clock, every=_REDRAW_SECONDS)

    def _changed(self, event: Event) -> None:
        width = self._screen.width
        if isinstance(event, NoteEvent):
            self._screen.print(self._style.cut(f"  {event.lane:7} {one_line(event.text)}", width))
        elif isinstance(event, StepEvent) and event.state is StepState.FAILED and self._first_end(event):
            self._screen.print(_ended(event, self._style, width))
        elif self._clock() - self._drawn_at < _REDRAW_SECONDS:
            # A build may print thousands of lines a second; the ticker draws the last one soon enough.
            return
        self._passed()

    def _passed(self) -> None:
        self._drawn_at = self._clock()
        self._screen.draw(list(self._status(self._drawn_at)))

    def _closed(self) -> None:
        self._screen.draw([])

    def _status(self, now: float) -> Iterator[str]:
        for step in _oldest_by_lane(self._running.values()):
            more = sum(other.lane == step.lane for other in self._running.values()) - 1
            also = f" (+{more})" if more else ""
            yield f"  {step.lane:7} {duration(now - step.began):>9}  {step.name}{also}"
            yield f"  {'':7} {'':>9}  {step.said}"


def progress_for(stream: TextIO, style: Style, *, quiet: bool) -> Progress:
    """Return the display that fits a stream."""
    if quiet:
        return Silent()
    return Live(stream, style) if style.live else Lines(stream, style)


def _oldest_by_lane(steps: Collection[_Running]) -> list[_Running]:
    """Return each lane's step that runs longest, the lanes by name: what everything else there waits for."""
    oldest: dict[str, _Running] = {}
    for step in steps:
        known = oldest.setdefault(step.lane, step)
        if step.began < known.began:
            oldest[step.lane] = step
    return [step for _, step in sorted(oldest.items())]


def _worth_a_line(event: StepEvent) -> bool:
    if event.state is StepState.STARTED:
        return False
    return not event.own or event.state is StepState.FAILED or (event.seconds or 0.0) >= _OWN_SHOWN_SECONDS


_UNUSUAL = {StepState.FAILED: " FAILED", StepState.CUT_OFF: " cut off"}


def _ended(event: StepEvent, style: Style, width: int) -> str:
    """Return the line of a finished step; its name is cut so that the line keeps to the width."""
    took = "cached" if event.state is StepState.CACHED else duration(event.seconds)
    unusual = _UNUSUAL.get(event.state, "")
    head = f"  {event.lane:7} {took:>9}  "
    return f"{head}{style.cut(one_line(event.name), max(1, width - len(head) - len(unusual)))}{unusual}"
