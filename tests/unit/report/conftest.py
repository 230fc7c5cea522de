"""Records of real runs of the sample backend, and one whose every text is hostile."""

from __future__ import annotations

import dataclasses
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from orchestrator.location import Location
from orchestrator.record import FailureFacts, RunRecord, read_record

_RECORDS = Path(__file__).parent / "records"

HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07\x9b31m<script>alert(1)</script>\"'>&amp;]]>\x00\x08\ufffe\ud800\u202e"
    "`code` **bold** | cell | [a](javascript:x) ![i](http://evil.example/x.png) @team :rocket: $x$ <!-- --> 🚀"
)
"""Terminal codes, markup of every format, and characters that XML forbids."""


@pytest.fixture
def passed() -> RunRecord:
    """Return the record of a passed run."""
    return read_record(_RECORDS / "passed.json")


@pytest.fixture
def refused() -> RunRecord:
    """Return the record of a run whose image held another program of the same build."""
    return read_record(_RECORDS / "refused.json")


@pytest.fixture
def failed(refused: RunRecord) -> RunRecord:
    """Return the record of a run that a compile error ended."""
    return dataclasses.replace(
        refused,
        checks=(),
        programs=(),
        transcripts=(),
        image=None,
        verdict=None,
        failure=FailureFacts(
            cause="local-build-failed",
            exit_code=10,
            message="cargo could not build the program",
            location=Location(file="infrastructure/docker/Dockerfile.backend", line=42, column=5),
            repair="mend the error",
            detail=("error[E0425]: cannot find value `x` in this scope", " --> src/main.rs:3:5"),
        ),
    )


@pytest.fixture(params=["passed", "refused", "failed"])
def record(request: pytest.FixtureRequest) -> RunRecord:
    """Return each kind of record in turn."""
    found: RunRecord = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["refused", "failed"])
def hostile(request: pytest.FixtureRequest) -> RunRecord:
    """Return a record in which whatever a program, a project or a file name could have put there is hostile."""
    return _poisoned(request.getfixturevalue(request.param))


def _poisoned(value: Any) -> Any:
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return value + HOSTILE
    if isinstance(value, tuple):
        return tuple(_poisoned(entry) for entry in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kept = {"lane", "side", "state", "stream", "started"}  # the tool's own words, which no program can choose
        changed = {
            field.name: _poisoned(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if not (field.name in kept and isinstance(getattr(value, field.name), str))
        }
        return dataclasses.replace(value, **changed)
    return value
