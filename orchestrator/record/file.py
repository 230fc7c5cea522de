"""`record.json`: written complete or not at all, and read back only if it is whole and of a known version."""

from __future__ import annotations

import dataclasses
import json
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from orchestrator.atomic import written_beside
from orchestrator.errors import RecordUnreadableError
from orchestrator.record.facts import VERSION, FailureFacts, RunRecord

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic import TypeAdapter

    from orchestrator.errors import NoVerdictError

FILE_NAME = "record.json"


def failure_of(error: NoVerdictError) -> FailureFacts:
    """Return what a record keeps of an error."""
    return FailureFacts(
        cause=error.cause,
        exit_code=error.exit_code,
        message=error.message,
        location=error.location,
        repair=error.repair,
        detail=error.detail,
    )


@contextmanager
def recorded(record: RunRecord, folder: Path) -> Iterator[None]:
    """Have the record complete and on the disk before the block, and in the run's folder after it."""
    with written_beside(folder / FILE_NAME, dump_record(record)):
        yield


def dump_record(record: RunRecord) -> bytes:
    """Return the record's JSON.

    What pydantic would write as well; but it would first make itself a serialiser for all of a record's types, which
    takes longer than all else that a run does at its end. (A test holds the two against each other.)
    """
    return json.dumps(_plain(record), indent=2, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: values with fields as mappings. Texts of an enumeration are texts."""
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(inner) for inner in value]
    return value


def read_record(path: Path) -> RunRecord:
    """Read a record.

    Raises:
        RecordUnreadableError: it is missing, damaged, or of another version.
    """
    from pydantic import ValidationError  # noqa: PLC0415 - only a damaged record needs it

    try:
        content = path.read_bytes()
    except OSError as error:
        raise RecordUnreadableError(
            f"there is no run record at {path} ({error.strerror})", repair="run `invoke build` first"
        ) from error
    try:
        record = _adapter().validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise RecordUnreadableError(
            f"the run record {path} is damaged or of another version: {where}: {first['msg']}",
            repair="remove that run's folder; it is no longer readable",
        ) from error
    if record.version != VERSION:
        raise RecordUnreadableError(
            f"the run record {path} has version {record.version}, this tool reads version {VERSION}",
            repair="show it with the tool version that wrote it",
        )
    return record


def record_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of `record.json`."""
    schema = _adapter().json_schema(mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Twinbuild run record",
        **schema,
    }


@cache
def _adapter() -> TypeAdapter[RunRecord]:
    from pydantic import TypeAdapter  # noqa: PLC0415 - 0.2 s that only writers and readers of records pay

    return TypeAdapter(RunRecord)
