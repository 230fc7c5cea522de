"""The list of runs: each with its outcome, and fitting the terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from orchestrator.record.runs import KnownRun
from orchestrator.report.run_list import render_list, render_list_json
from orchestrator.report.style import Style
from orchestrator.report.width import columns

if TYPE_CHECKING:
    from orchestrator.record import RunRecord


@pytest.fixture
def runs(passed: RunRecord, refused: RunRecord, failed: RunRecord) -> list[KnownRun]:
    known = [KnownRun(run=record.run, record=record) for record in (failed, refused, passed)]
    return [*known, KnownRun(run="20260101T000000-abcdef", record=None, problem="going on, or killed before its end")]


def test_every_run_says_how_it_ended(runs: list[KnownRun]) -> None:
    """Verdict, cause and duration, the newest first; one that left no record is not hidden."""
    lines = render_list(runs, Style(width=120)).splitlines()
    assert "no verdict" in lines[1]
    assert "local-build-failed" in lines[1]
    assert "refused" in lines[2]
    assert "other-program" in lines[2]
    assert "50.0 s" in lines[2]
    assert "passed" in lines[3]
    assert "no record" in lines[4]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_it_fits_the_terminal(runs: list[KnownRun], width: int) -> None:
    """Columns are left out before a line wraps."""
    assert all(columns(line) <= width for line in render_list(runs, Style(width=width)).splitlines())


def test_programs_get_the_same_as_json(runs: list[KnownRun]) -> None:
    """With the exit code of each."""
    told = json.loads(render_list_json(runs))
    assert [run.get("exit_code") for run in told] == [10, 1, 0, None]
    assert told[3]["problem"].startswith("going on")


def test_no_run_is_no_empty_table() -> None:
    """It says what makes one."""
    assert "invoke build" in render_list([], Style())
