"""Keeps what a run's steps were for its record, and passes every event on to whoever shows it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from orchestrator.events import StepEvent, StepState
from orchestrator.record import StepFacts

if TYPE_CHECKING:
    from orchestrator.events import Emit, Event


class Journal:
    """Takes events from several threads."""

    def __init__(self, show: Emit) -> None:
        self._show = show
        self._lock = threading.Lock()
        self._steps: dict[tuple[str, str], StepFacts] = {}

    def emit(self, event: Event) -> None:
        """Take an event."""
        if isinstance(event, StepEvent) and event.state is not StepState.STARTED:
            facts = StepFacts(
                lane=event.lane,
                name=event.name,
                state=event.state,
                seconds=None if event.seconds is None else round(event.seconds, 3),
                location=event.location,
            )
            with self._lock:
                self._steps[event.lane, event.step] = facts
        self._show(event)

    def steps(self) -> tuple[StepFacts, ...]:
        """Return the finished steps, each once, in the order in which they ended."""
        with self._lock:
            return tuple(self._steps.values())
