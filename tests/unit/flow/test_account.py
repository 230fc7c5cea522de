"""What a run's record keeps: bounded, and only of files inside the project."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from orchestrator.flow.account import excerpts, log_paths, transcript_facts
from orchestrator.location import Location
from orchestrator.record import RunRecord, read_record
from orchestrator.smoke.settings import SmokeSettings
from orchestrator.smoke.transcript import Line, Transcript

_RECORDS = Path(__file__).parents[1] / "report" / "records"


def _pointing_at(location: Location) -> RunRecord:
    record = read_record(_RECORDS / "passed.json")
    assert record.verdict is not None
    return dataclasses.replace(record, checks=(), verdict=dataclasses.replace(record.verdict, location=location))


def _transcript(count: int, *, kept: int, length: int = 3) -> Transcript:
    lines = tuple(Line(stream="stdout", text=str(number).zfill(length), at=0.1) for number in range(kept))
    return Transcript(side="image", lines=lines, line_count=count, files={"/a": True, "/b": False}, waiting={})


def test_the_line_is_quoted_with_those_around_it(tmp_path: Path) -> None:
    """As it was in this run: the snapshot comes before the folder that may have changed since."""
    for folder in ("snapshot", "project"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "Dockerfile").write_text("".join(f"{folder} {n}\n" for n in range(1, 10)))
    (found,) = excerpts(
        _pointing_at(Location(file="Dockerfile", line=1)), (tmp_path / "snapshot", tmp_path / "project")
    )
    assert (found.first, found.lines[0], len(found.lines)) == (1, "snapshot 1", 4)
    (found,) = excerpts(_pointing_at(Location(file="Dockerfile", line=5)), (tmp_path / "absent", tmp_path / "project"))
    assert (found.first, found.lines[2]) == (3, "project 5")


@pytest.mark.parametrize("file", ["../secret", "/etc/passwd", "link", "folder", "missing"])
def test_nothing_outside_is_quoted(tmp_path: Path, file: str) -> None:
    """A name that leads out of the project, a link or a folder is told and not read."""
    (tmp_path / "secret").write_text("password\n")
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    (root / "link").symlink_to(tmp_path / "secret")
    assert excerpts(_pointing_at(Location(file=file, line=1)), (root,)) == ()


def test_a_line_that_is_not_there_is_not_quoted(tmp_path: Path) -> None:
    """The file was changed since, or the place is wrong; nothing is made up."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    assert excerpts(_pointing_at(Location(file="Dockerfile", line=2)), (tmp_path,)) == ()
    assert excerpts(_pointing_at(Location(file="Dockerfile")), (tmp_path,)) == ()


def test_a_short_transcript_is_kept_whole() -> None:
    """With the files that it left and did not leave."""
    facts = transcript_facts(_transcript(10, kept=10), SmokeSettings(), remembered=True)
    assert (len(facts.head), facts.tail, facts.remembered) == (10, (), True)
    assert (facts.found, facts.missing) == (("/a",), ("/b",))


def test_a_long_transcript_keeps_both_ends() -> None:
    """And says how many lines there were."""
    facts = transcript_facts(_transcript(1000, kept=1000), SmokeSettings(), remembered=False)
    assert (len(facts.head), len(facts.tail), facts.line_count) == (200, 200, 1000)
    assert (facts.head[0].text, facts.tail[-1].text) == ("000", "999")


def test_the_gap_lies_where_the_run_left_it() -> None:
    """What the run itself dropped lies between the halves of what it kept."""
    facts = transcript_facts(_transcript(5000, kept=100), SmokeSettings(), remembered=False)
    assert (len(facts.head), len(facts.tail)) == (50, 50)


def test_one_endless_line_is_cut() -> None:
    """A record stays readable whatever a program prints."""
    facts = transcript_facts(_transcript(1, kept=1, length=100_000), SmokeSettings(), remembered=False)
    assert [len(line.text) for line in facts.head] == [1000]


def test_logs_are_named_relative_to_the_record(tmp_path: Path) -> None:
    """So that a moved folder still fits its record."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "local.log").write_text("x")
    assert log_paths(tmp_path) == ("logs/local.log",)
