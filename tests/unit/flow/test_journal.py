"""The journal: every step once, with its start, and the same story in the machine's log."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from orchestrator.errors import UsageError, run_ended
from orchestrator.events import Event, Lane, NoteEvent, OutputEvent, StepEvent, StepState, told
from orchestrator.flow.journal import Journal
from orchestrator.log import logger_for
from orchestrator.record import read_record

_RECORDS = Path(__file__).parents[1] / "report" / "records"


def _ended(step: str, state: StepState, seconds: float) -> StepEvent:
    return StepEvent(lane=Lane.IMAGE, step=step, name=f"RUN {step}", state=state, seconds=seconds)


def test_each_step_is_kept_once_with_its_start() -> None:
    """The engine tells only the end of a short step, so the start is reckoned from it."""
    now = [1000.0]
    seen: list[Event] = []
    journal = Journal(seen.append, clock=lambda: now[0])
    now[0] += 10
    journal.emit(_ended("a", StepState.DONE, 4.0))
    journal.emit(_ended("a", StepState.DONE, 4.0))
    journal.emit(_ended("b", StepState.CACHED, 0.0))
    journal.emit(NoteEvent(lane=Lane.SOURCE, text="note"))
    assert [(step.name, step.started, step.seconds) for step in journal.steps()] == [
        ("RUN a", 6.0, 4.0),
        ("RUN b", 10.0, 0.0),
    ]
    assert len(seen) == 4


def test_a_step_is_told_as_failed_where_its_block_raises() -> None:
    """And the error goes on."""
    seen: list[Event] = []
    with pytest.raises(UsageError), told(seen.append, Lane.SOURCE, "snapshot", own=True):
        raise UsageError("no")
    with told(seen.append, Lane.SOURCE, "snapshot"):
        pass
    states = [event.state for event in seen if isinstance(event, StepEvent)]
    assert states == [StepState.STARTED, StepState.FAILED, StepState.STARTED, StepState.DONE]


@pytest.mark.parametrize("error", [run_ended(), KeyboardInterrupt()])
def test_a_step_that_is_ended_from_elsewhere_has_not_failed(error: BaseException) -> None:
    """It is told as cut off."""
    seen: list[Event] = []
    with pytest.raises(type(error)), told(seen.append, Lane.SOURCE, "snapshot"):
        raise error
    assert [event.state for event in seen if isinstance(event, StepEvent)] == [StepState.STARTED, StepState.CUT_OFF]


def test_the_log_tells_the_run_as_events() -> None:
    """Start, steps, output, checks, verdict, tag and end, all with the run's id."""
    stream = io.BytesIO()
    record = read_record(_RECORDS / "refused.json")
    journal = Journal(lambda _event: None, log=logger_for(stream, {"TWINBUILD_LOG": "json"}))
    journal.begin(record)
    journal.emit(_ended("a", StepState.FAILED, 4.0))
    journal.emit(OutputEvent(lane=Lane.IMAGE, step="a", text="\x1b[31merror"))
    journal.end(record)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert {line["run"] for line in lines} == {record.run}
    assert [line["event"] for line in lines] == [
        "run started",
        "step",
        "output",
        *["check"] * len(record.checks),
        "verdict",
        "tag",
        "run ended",
    ]
    assert lines[1]["level"] == "error"
    verdict = next(line for line in lines if line["event"] == "verdict")
    assert (verdict["status"], verdict["cause"]) == ("refused", "other-program")
