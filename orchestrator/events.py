"""What happens during a run, as values. Stages emit them, renderers in `report/` decide the look."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from orchestrator.errors import InterruptedRunError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.location import Location


class Lane(StrEnum):
    """The part of the run that an event belongs to. `LOCAL` and `IMAGE` run at the same time."""

    SOURCE = "source"
    BASES = "bases"
    LOCAL = "local"
    IMAGE = "image"
    CHECKS = "checks"


class StepState(StrEnum):
    """How far a step is."""

    STARTED = "started"
    CACHED = "cached"
    DONE = "done"
    FAILED = "failed"
    CUT_OFF = "cut-off"
    """Ended by something else: the other side had failed, or the user ended the run."""

    @classmethod
    def of_error(cls, error: BaseException) -> StepState:
        """Return how a step ended that this error went through."""
        return cls.CUT_OFF if isinstance(error, (InterruptedRunError, KeyboardInterrupt)) else cls.FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEvent:
    """A step began or ended.

    Attributes:
        step: stable within the lane and run; joins the start of a step with its end and its output.
        name: what a person reads (`builder 5/7 RUN cargo build --release`).
        seconds: wall time; None while it runs.
        location: the Dockerfile line, where there is one.
        own: a step of this tool's, not one that the project asks for.
    """

    lane: Lane
    step: str
    name: str
    state: StepState
    seconds: float | None = None
    location: Location | None = None
    own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputEvent:
    """One line that a step printed, without its line end."""

    lane: Lane
    step: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteEvent:
    """Something a person should know that is no step (`waiting for the run of pid 4711`)."""

    lane: Lane
    text: str


Event = StepEvent | OutputEvent | NoteEvent
Emit = Callable[[Event], None]
"""Takes an event; must be quick, must not raise, and may be called from several threads."""


@contextmanager
def told(emit: Emit, lane: Lane, name: str, *, step: str = "", own: bool = False) -> Iterator[None]:
    """Tell the start and the end of a block as a step; one that raises is told as failed, or as cut off.

    Args:
        emit: who is told.
        lane: the part of the run.
        name: what a person reads.
        step: tells the step from the lane's others; the name does where it is empty.
        own: a step of this tool's, not one that the project asks for.
    """
    began = time.monotonic()
    event = StepEvent(lane=lane, step=step or name, name=name, state=StepState.STARTED, own=own)
    emit(event)
    state = StepState.DONE
    try:
        yield
    except BaseException as error:
        state = StepState.of_error(error)
        raise
    finally:
        emit(replace(event, state=state, seconds=time.monotonic() - began))
