"""What a run leaves behind: `record.json`, complete or not there at all.

The dataclasses are the format: the JSON schema in the package (`record.schema.json`) is made from them and a test
holds both together. A field is added with a default; one that changes its meaning raises `VERSION`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from orchestrator.errors import RecordUnreadableError
from orchestrator.location import Location
from orchestrator.verdict import CheckResult, Verdict
from orchestrator.workspace import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import TypeAdapter

    from orchestrator.errors import NoVerdictError

VERSION = 1
FILE_NAME = "record.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFacts:
    """What made the record."""

    version: str
    python: str
    engine: str | None = None
    toolchain: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecFacts:
    """The spec that was built: path as given, digest of its bytes."""

    path: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """The snapshot that both sides were built from. `epoch`: seconds since 1970, see source/snapshot.py."""

    digest: str
    commit: str | None
    dirty: bool
    epoch: int
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseFacts:
    """One base image, as it was at this run."""

    reference: str
    image_id: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFacts:
    """One finished step. `seconds`: wall time. `state`: done, cached or failed."""

    lane: str
    name: str
    state: str
    seconds: float | None = None
    location: Location | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramFacts:
    """One of the three programs.

    Attributes:
        side: `local`, `builder` (in the stage it was built in) or `image` (as shipped).
        origin: where it was read, for people.
        sha256: hex; None when there was no such file.
        size: bytes.
        functions: how many functions its symbol table names; None when nobody had to look.
    """

    side: str
    origin: str
    sha256: str | None = None
    size: int | None = None
    build_id: str | None = None
    needed: tuple[str, ...] = ()
    functions: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """The candidate and what became of it.

    Attributes:
        raw_id: the image as the engine built it.
        candidate_id: the normalised image that was judged, and that has the tag if it passed.
        tag: the name in question.
        promoted: whether the tag now points to the candidate.
        previous_id: where the tag pointed before; None when there was no such tag.
    """

    raw_id: str
    candidate_id: str
    tag: str
    promoted: bool
    previous_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureFacts:
    """Why a run has no verdict; see errors.py."""

    cause: str
    exit_code: int
    message: str
    location: Location | None = None
    repair: str | None = None
    detail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run, from the spec to the verdict. Exactly one of `verdict` and `failure` is there."""

    version: int
    run: str
    project: str
    started: str
    """ISO 8601, UTC."""
    seconds: float
    tool: ToolFacts
    spec: SpecFacts
    guard: str
    source: SourceFacts | None = None
    place: str | None = None
    """How the local build got the image's paths: `namespace` or `remap`, with the reason."""
    bases: tuple[BaseFacts, ...] = ()
    steps: tuple[StepFacts, ...] = ()
    programs: tuple[ProgramFacts, ...] = ()
    image: ImageFacts | None = None
    checks: tuple[CheckResult, ...] = ()
    verdict: Verdict | None = None
    failure: FailureFacts | None = None


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


def write_record(record: RunRecord, folder: Path) -> Path:
    """Write the record into the run's folder in one step and return its path."""
    path = folder / FILE_NAME
    write_atomically(path, dump_record(record))
    return path


def dump_record(record: RunRecord) -> bytes:
    """Return the record's JSON."""
    return _adapter().dump_json(record, indent=2) + b"\n"


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
