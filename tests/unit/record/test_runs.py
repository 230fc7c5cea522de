"""Runs are found by what a person has at hand: nothing, a bit of an id, or a file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from orchestrator.errors import RecordUnreadableError, UsageError
from orchestrator.record.runs import find_record, known_runs

_PASSED = Path(__file__).parents[1] / "report" / "records" / "passed.json"
_IDS = ("20260101T000000-aaaaaa", "20260101T000000-bbbbbb", "20260102T000000-cccccc")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    for run in _IDS:
        (folder / run).mkdir(parents=True)
        shutil.copy(_PASSED, folder / run / "record.json")
    (folder / "latest").symlink_to(_IDS[1])
    return folder


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("latest", _IDS[1]),
        (_IDS[0], _IDS[0]),
        ("20260102", _IDS[2]),
        ("bbbbbb", _IDS[1]),
    ],
)
def test_a_run_is_found(runs: Path, wanted: str, found: str) -> None:
    """By `latest`, its id, the start of it, or its last letters."""
    assert find_record(runs, wanted) == runs / found / "record.json"


def test_a_record_of_another_machine_is_named_by_its_path(runs: Path) -> None:
    """One that CI kept, for example."""
    assert find_record(runs, "./record.json") == Path("record.json")


def test_several_that_fit_are_named(runs: Path) -> None:
    """Nothing is guessed."""
    with pytest.raises(UsageError, match="fits 2 runs: 20260101T000000-bbbbbb, 20260101T000000-aaaaaa"):
        find_record(runs, "20260101")


@pytest.mark.parametrize("wanted", ["", ".", "..", "nope", "*"])
def test_none_that_fits_names_the_newest(runs: Path, wanted: str) -> None:
    """And how to list all."""
    with pytest.raises(RecordUnreadableError, match="the newest are 20260102T000000-cccccc"):
        find_record(runs, wanted)


def test_a_run_without_a_record_is_listed(runs: Path) -> None:
    """Killed, going on, or damaged: it is there, and says which."""
    (runs / _IDS[0] / "record.json").unlink()
    (runs / _IDS[1] / "record.json").write_text("{")
    listed = list(known_runs(runs))
    assert [run.run for run in listed] == sorted(_IDS, reverse=True)
    assert [run.record is None for run in listed] == [False, True, True]
    assert "damaged" in (listed[1].problem or "")
    assert "going on, or killed" in (listed[2].problem or "")
