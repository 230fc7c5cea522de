"""Records of real runs of the sample backend, and one whose every text is hostile."""

from __future__ import annotations

import dataclasses
from enum import Enum
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from orchestrator.location import Location
from orchestrator.record import CaseFacts, FailureFacts, RunRecord, ServiceFacts, read_record
from orchestrator.verdict import Status

_RECORDS = Path(__file__).parent / "records"

HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07\x9b31m<script>alert(1)</script>\"'>&amp;]]>\x00\x08\ufffe\ud800\u202e"
    "`code` **bold** | cell | [a](javascript:x) ![i](http://evil.example/x.png) @team :rocket: $x$ <!-- --> 🚀"
)
"""Terminal codes, markup of every format, and characters that XML forbids."""


_VOID = {"meta", "br", "hr", "col"}
_BLOCKS = {"div", "section", "table", "dl", "ol", "ul", "figure", "pre", "details", "h1", "h2", "h3", "p"}


class Page(HTMLParser):
    """Reads a page, fails on what a browser would have to guess, and keeps what tests ask for."""

    def __init__(self, content: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.marked: list[str] = []
        self.feed(content.decode("utf-8"))
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        assert len(named) == len(attrs), f"an attribute twice on <{tag}>"
        assert not (tag in _BLOCKS and self.open[-1:] == ["p"]), f"<{tag}> cannot stand in <p>"
        if tag in {"dt", "dd"}:
            assert self.open[-1] == "dl"
        if tag == "li":
            assert self.open[-1] in {"ol", "ul"}
        self.tags.append(tag)
        self.attributes |= set(named)
        self.ids += [named["id"] or ""] if "id" in named else []
        self.links += [named["href"] or ""] if "href" in named else []
        if tag not in _VOID:
            self.open.append(tag)
        self.marked += [named["class"] or ""] if "class" in named else []

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)


@pytest.fixture
def page() -> type[Page]:
    """Return the reader of pages."""
    return Page


@pytest.fixture
def hostile_text() -> str:
    """Return a text that would do harm wherever it is not escaped."""
    return HOSTILE


@pytest.fixture
def passed() -> RunRecord:
    """Return the record of a passed run."""
    return asked(read_record(_RECORDS / "passed.json"), *_HELD)


@pytest.fixture
def refused() -> RunRecord:
    """Return the record of a run whose image held another program of the same build."""
    return asked(read_record(_RECORDS / "refused.json"), *_HELD, *_NOT_HELD)


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


_HELD = (
    CaseFacts(name="ready.log: a line with 'up'", status=Status.PASSED),
    CaseFacts(name="requests GET :8080/health", status=Status.PASSED, detail="200"),
)
_NOT_HELD = (
    CaseFacts(
        name="file /etc/app.conf: mode",
        status=Status.FAILED,
        detail='it is "0600", expected "0644"',
        location=Location(file="tests/goss.yaml", line=3, column=24),
    ),
    CaseFacts(name="restart", status=Status.UNKNOWN, detail="the run did not get that far"),
    CaseFacts(name="dns example.org", status=Status.SKIPPED, detail="about the network"),
)


def asked(record: RunRecord, *cases: CaseFacts) -> RunRecord:
    """Return a record whose image was asked for these things, and had a service."""
    service = ServiceFacts(name="db", image="postgres:bookworm", ready_after=2.5)
    runs = [
        dataclasses.replace(run, cases=cases if run.side == "image" else (), services=(service,))
        for run in record.transcripts
    ]
    return dataclasses.replace(record, transcripts=tuple(runs))


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
