"""The run record: what is written can be read again, and its schema in the package is the true one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from pydantic import TypeAdapter

import orchestrator
from orchestrator.errors import RecordUnreadableError
from orchestrator.location import Location
from orchestrator.record import (
    CallFacts,
    FailureFacts,
    ImageFacts,
    ProgramFacts,
    RunRecord,
    SourceFacts,
    SpecFacts,
    StepFacts,
    ToolFacts,
    dump_record,
    read_record,
    record_schema,
    recorded,
)
from orchestrator.verdict import CheckResult, Evidence, Status, Verdict, VerdictStatus

_SCHEMA = Path(orchestrator.__file__).parent / "record.schema.json"


def _record() -> RunRecord:
    where = Location(file="Dockerfile", line=12, column=3)
    return RunRecord(
        version=1,
        run="20260101T000000-abcdef",
        project="backend",
        started="2026-01-01T00:00:00Z",
        seconds=12.5,
        tool=ToolFacts(version="0.1.0", python="3.11.7"),
        spec=SpecFacts(path="buildspec.yaml", digest="sha256:00"),
        guard="enforce",
        source=SourceFacts(digest="sha256:11", commit=None, dirty=True, epoch=0, files=3),
        steps=(StepFacts(lane="image", name="RUN cargo build", state="done", seconds=1.5, location=where),),
        programs=(ProgramFacts(side="local", origin="target/release/backend", sha256="ab", size=3),),
        image=ImageFacts(raw_id="sha256:22", candidate_id="sha256:33", tag="backend:dev", promoted=False),
        checks=(
            CheckResult(
                id="stub-free",
                status=Status.FAILED,
                message="the image holds the stub",
                cause="cached-stub",
                evidence=(Evidence(label="shipped", value="1.7 MB"),),
                location=where,
                repair="touch the sources",
            ),
        ),
        verdict=Verdict(status=VerdictStatus.REFUSED, message="the image holds the stub", cause="cached-stub"),
    )


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """Nothing is lost between two runs of the tool."""
    record = _record()
    with recorded(record, tmp_path):
        assert not (tmp_path / "record.json").exists()
    assert read_record(tmp_path / "record.json") == record


def test_the_verdict_lies_where_pipelines_look_for_it() -> None:
    """`verdict.status` and the checks' fields are the interface that other programs read."""
    content = json.loads(dump_record(_record()))
    assert content["verdict"]["status"] == "refused"
    assert set(content["checks"][0]) >= {"id", "status", "cause", "message", "evidence", "location"}
    assert content["checks"][0]["location"] == {"file": "Dockerfile", "line": 12, "column": 3}


def test_the_schema_in_the_package_is_the_records() -> None:
    """Regenerate with: invoke spec --schema is for specs; `python -m orchestrator.record` prints this one."""
    assert json.loads(_SCHEMA.read_text()) == record_schema()


def test_a_record_validates_against_the_schema() -> None:
    """A strict reader of the schema accepts what is written."""
    jsonschema.Draft202012Validator(json.loads(_SCHEMA.read_text())).validate(json.loads(dump_record(_record())))


def test_a_record_of_a_run_without_verdict_has_its_reason() -> None:
    """A run that failed before the gate still leaves a record that says why."""
    failure = FailureFacts(cause="tool-missing", exit_code=6, message="there is no cargo")
    record = RunRecord(
        version=1,
        run="r",
        project="p",
        started="s",
        seconds=0,
        tool=ToolFacts(version="0", python="3"),
        spec=SpecFacts(path="b", digest="d"),
        guard="enforce",
        failure=failure,
    )
    assert json.loads(dump_record(record))["verdict"] is None
    assert json.loads(dump_record(record))["failure"]["exit_code"] == 6


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no run record"),
        ("", "damaged"),
        ('{"version": 1', "damaged"),
        ('{"version": 1}', "run: Field required"),
        ("version 9", "has version 9"),
    ],
)
def test_an_unreadable_record_says_what_is_wrong(tmp_path: Path, content: str | None, words: str) -> None:
    """Missing, torn, foreign and future records each get their own words."""
    path = tmp_path / "record.json"
    if content == "version 9":
        content = json.dumps(json.loads(dump_record(_record())) | {"version": 9})
    if content is not None:
        path.write_text(content)
    with pytest.raises(RecordUnreadableError, match=words):
        read_record(path)


def test_it_is_written_as_pydantic_would() -> None:
    """The writer that needs no serialiser says the same, enumerations, mappings and nested values included."""
    call = CallFacts(
        stage="builder",
        line=3,
        command="cargo build",
        exit_code=0,
        refreshed=True,
        earlier=False,
        made={"backend": "ab"},
        kept={},
    )
    record = replace(_record(), calls=(call,), place="namespace (é, \u2028)")
    assert json.loads(dump_record(record)) == json.loads(TypeAdapter(RunRecord).dump_json(record))
