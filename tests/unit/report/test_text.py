"""The screen at the end of a run: complete, within its width, and right on every terminal."""

from __future__ import annotations

import dataclasses

import pytest

from orchestrator.location import Location
from orchestrator.record import (
    FailureFacts,
    ImageFacts,
    ProgramFacts,
    ReachedFacts,
    RunRecord,
    SpecFacts,
    StepFacts,
    ToolFacts,
)
from orchestrator.report.figures import duration, size
from orchestrator.report.style import Style
from orchestrator.report.text import render_text
from orchestrator.report.width import columns
from orchestrator.verdict import CheckResult, Evidence, Status, Verdict, VerdictStatus

_WHERE = Location(file="infrastructure/docker/Dockerfile.backend", line=27)
_REPAIR = "touch every source after COPY: find . -name '*.rs' -exec touch {} +"


def _record(*, passed: bool) -> RunRecord:
    stub = CheckResult(
        id="stub-free",
        status=Status.PASSED if passed else Status.FAILED,
        message="compiled from these sources" if passed else "the image holds the stub that was compiled for the cache",
        cause=None if passed else "cached-stub",
        evidence=(Evidence(label="shipped", value="1.7 MB against 16.0 MB"),),
        location=None if passed else _WHERE,
        repair=None if passed else _REPAIR,
    )
    verdict = Verdict(
        status=VerdictStatus.PASSED if passed else VerdictStatus.REFUSED,
        message=stub.message,
        cause=stub.cause,
        location=stub.location,
        repair=stub.repair,
    )
    return RunRecord(
        version=1,
        run="20260101T000000-abcdef",
        project="backend",
        started="2026-01-01T00:00:00Z",
        seconds=75.0,
        tool=ToolFacts(version="0.1.0", python="3.11.7"),
        spec=SpecFacts(path="buildspec.yaml", digest="sha256:00"),
        guard="enforce",
        steps=(
            StepFacts(lane="local", name="cargo build --release", state="done", seconds=9.8),
            StepFacts(lane="image", name="RUN cargo build", state="cached"),
        ),
        programs=(
            ProgramFacts(side="local", origin="target/release/backend", sha256="a" * 64, size=16_000_000),
            ProgramFacts(side="image", origin="/usr/local/bin/backend", sha256="b" * 64, size=1_700_000),
        ),
        image=ImageFacts(
            raw_id="sha256:" + "1" * 64,
            candidate_id="sha256:" + "2" * 64,
            tag="backend:dev",
            promoted=passed,
            previous_id="sha256:" + "3" * 64,
        ),
        checks=(stub,),
        verdict=verdict,
    )


def test_a_passed_run_names_the_tag_and_the_image() -> None:
    """The last line is what a person looks for."""
    last = render_text(_record(passed=True), Style()).splitlines()[-1]
    assert last == "PASSED  backend:dev → 222222222222"


def test_a_refused_run_names_cause_line_and_repair() -> None:
    """All that is needed to mend it stands on the screen, and that the old tag stayed."""
    text = render_text(_record(passed=False), Style())
    assert "REFUSED  backend:dev stays at 333333333333" in text
    assert "cached-stub" in text
    assert str(_WHERE) in text
    assert "touch every source" in text
    assert "1.7 MB against 16.0 MB" in text


def test_the_evidence_of_a_passed_check_stays_out_of_the_way() -> None:
    """A passed check is one line; its evidence is in the record."""
    assert "against" not in render_text(_record(passed=True), Style())


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("passed", [True, False])
def test_no_line_is_wider_than_the_terminal(width: int, *, passed: bool) -> None:
    """Nothing wraps by itself, whatever the width; only a word that is longer than the line may stand out."""
    for line in render_text(_record(passed=passed), Style(width=width)).splitlines():
        assert columns(line) <= width or " " not in line[12:], line


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_every_encoding_gets_something_right(encoding: str) -> None:
    """No locale makes the report fail, and ASCII still tells passed from failed."""
    text = render_text(_record(passed=False), Style(encoding=encoding))
    assert text.encode(encoding)
    assert ("FAIL" in text) is (encoding != "utf-8")


def test_colour_only_where_it_is_wanted() -> None:
    """Without colour there is no escape code at all."""
    assert "\x1b" not in render_text(_record(passed=False), Style())
    assert "\x1b[31mREFUSED" in render_text(_record(passed=False), Style(colour=True))


def test_a_run_without_verdict_says_why() -> None:
    """The reason, its exit code, the repair, and the compiler's own words."""
    failure = FailureFacts(
        cause="local-build-failed",
        exit_code=10,
        message="cargo could not build the program",
        location=Location(file="src/main.rs", line=3, column=5),
        repair="mend the error",
        detail=("error[E0425]: cannot find value",),
    )
    text = render_text(dataclasses.replace(_record(passed=False), verdict=None, failure=failure, image=None), Style())
    assert "NO VERDICT  local-build-failed (exit code 10)" in text
    assert "src/main.rs:3:5: cargo could not build the program" in text
    assert "error[E0425]" in text
    assert "REFUSED" not in text


def test_remapped_paths_are_told() -> None:
    """They are why two programs of the same sources may differ; the usual place needs no word."""
    usual = dataclasses.replace(_record(passed=True), place="namespace (mount namespace by bubblewrap)")
    assert "paths" not in render_text(usual, Style())
    text = render_text(dataclasses.replace(usual, place="remap (bubblewrap is not installed)"), Style())
    assert "  paths     remapped on the host, not the image's own: bubblewrap is not" in text


def test_steps_that_reached_for_the_network() -> None:
    """Each with its line and what it sent; nothing is said of the others."""
    where = Location(file="Dockerfile", line=7)
    steps = (ReachedFacts(connections=1, datagrams=2, location=where), ReachedFacts(connections=0, datagrams=1))
    text = render_text(dataclasses.replace(_record(passed=True), reached=steps), Style())
    assert "network   Dockerfile:7 reached for the network: 1 connection, 2 datagrams" in text
    assert "          a step reached for the network: 1 datagram" in text
    passed = ReachedFacts(connections=0, datagrams=0, location=where, sent=21_544, received=15_807_383)
    text = render_text(dataclasses.replace(_record(passed=True), reached=(passed,)), Style())
    assert "network   Dockerfile:7 reached for the network: 21.5 kB sent, 15.8 MB received" in text
    assert "reached for" not in render_text(_record(passed=True), Style())


@pytest.mark.parametrize(("seconds", "text"), [(0.421, "0.42 s"), (12.34, "12.3 s"), (125.0, "2 min 05 s"), (None, "")])
def test_durations(seconds: float | None, text: str) -> None:
    """Durations read as people say them."""
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(312, "312 B"), (284_792, "284.8 kB"), (16_000_000, "16.0 MB"), (None, "-")]
)
def test_sizes(count: int | None, text: str) -> None:
    """Sizes are decimal, as disks and registries count."""
    assert size(count) == text
