"""Keeps a run's steps for its record, passes every event on to whoever shows it, and writes the machine's log."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from orchestrator.events import NoteEvent, OutputEvent, StepEvent, StepState
from orchestrator.record import StepFacts

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import FilteringBoundLogger

    from orchestrator.events import Emit, Event
    from orchestrator.record import RunRecord


class Journal:
    """Takes events from several threads.

    Args:
        show: told every event.
        log: the machine's log; None for none.
        clock: seconds, monotonic; steps are counted from the moment when the journal is opened.
    """

    def __init__(
        self, show: Emit, *, log: FilteringBoundLogger | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._show, self._log, self._clock = show, log, clock
        self._began = clock()
        self._lock = threading.Lock()
        self._steps: dict[tuple[str, str], StepFacts] = {}

    def begin(self, record: RunRecord) -> None:
        """Note that a run begins."""
        if self._log is not None:
            self._log = self._log.bind(run=record.run)
            self._log.info(
                "run started",
                project=record.project,
                spec=record.spec.path,
                spec_digest=record.spec.digest,
                guard=record.guard,
                tool=record.tool.version,
            )

    def emit(self, event: Event) -> None:
        """Take an event."""
        if isinstance(event, StepEvent) and event.state is not StepState.STARTED:
            # A step may be told only when it is over (BuildKit sends the short ones whole), so its start is reckoned.
            started = max(0.0, self.seconds() - (event.seconds or 0.0))
            facts = StepFacts(
                lane=event.lane,
                name=event.name,
                state=event.state,
                seconds=None if event.seconds is None else round(event.seconds, 3),
                location=event.location,
                started=round(started, 3),
                own=event.own,
            )
            with self._lock:
                self._steps[event.lane, event.step] = facts
        self._note(event)
        self._show(event)

    def seconds(self) -> float:
        """Return how long the run has taken until now."""
        return self._clock() - self._began

    def steps(self) -> tuple[StepFacts, ...]:
        """Return the finished steps, each once, in the order in which they ended."""
        with self._lock:
            return tuple(self._steps.values())

    def end(self, record: RunRecord) -> None:
        """Note what a run found: its checks, its verdict or failure, and what became of the tag."""
        log = self._log
        if log is None:
            return
        for check in record.checks:
            log.info(
                "check",
                check=check.id,
                status=check.status.value,
                cause=check.cause,
                message=check.message,
                location=None if check.location is None else str(check.location),
                remembered=check.remembered,
            )
        if record.failure is not None:
            log.error(
                "no verdict",
                cause=record.failure.cause,
                exit_code=record.failure.exit_code,
                message=record.failure.message,
            )
        if record.verdict is not None:
            log.info("verdict", status=record.verdict.status.value, cause=record.verdict.cause)
        if record.image is not None:
            image = record.image
            log.info(
                "tag", tag=image.tag, promoted=image.promoted, image=image.candidate_id, previous=image.previous_id
            )
        log.info("run ended", seconds=record.seconds, steps=len(record.steps))

    def _note(self, event: Event) -> None:
        if self._log is None:
            return
        if isinstance(event, StepEvent):
            told = self._log.error if event.state is StepState.FAILED else self._log.info
            told(
                "step",
                lane=event.lane.value,
                state=event.state.value,
                name=event.name,
                seconds=None if event.seconds is None else round(event.seconds, 3),
                location=None if event.location is None else str(event.location),
            )
        elif isinstance(event, NoteEvent):
            self._log.info("note", lane=event.lane.value, text=event.text)
        elif isinstance(event, OutputEvent):
            self._log.debug("output", lane=event.lane.value, text=event.text)
