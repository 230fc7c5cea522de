"""`invoke why`: a program's way back to the call of cargo that wrote it, out of the records of earlier runs."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import RecordUnreadableError
from orchestrator.flow.compare import program_at
from orchestrator.record import FILE_NAME, read_record
from orchestrator.record.origin import Origin, sightings
from orchestrator.record.runs import run_ids

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.record import RunRecord


def find_origin(program: str, *, runs: Path, environment: Mapping[str, str]) -> Origin:
    """Return what the runs of a project know of a program.

    Args:
        program: a file, `IMAGE:PATH`, an image (its program is meant), or `STAGE:PATH` of the newest run that witnessed
            one there.
        runs: the folder of run records.
        environment: variables, for finding the engine.

    Raises:
        UsageError: there is no such file, image, stage, or path in it.
    """
    records = list(_records(runs))
    known = _in_a_stage(program, records)
    if known is not None:
        return Origin(name=program, sha256=known, size=None, sightings=tuple(sightings(known, records)))
    with program_at(_with_path(program, records), environment) as found, found.path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        size = found.path.stat().st_size
    return Origin(name=found.origin, sha256=digest, size=size, sightings=tuple(sightings(digest, records)))


def _records(runs: Path) -> Iterator[RunRecord]:
    """Yield the readable records, newest first."""
    for run in sorted(run_ids(runs), reverse=True):
        try:
            yield read_record(runs / run / FILE_NAME)
        except RecordUnreadableError:
            # A run that goes on, or was killed; it tells nothing yet.
            continue


def _with_path(program: str, records: list[RunRecord]) -> str:
    """Return an image's name with the path of the program that the project ships in its images."""
    if ":/" in program or Path(program).exists():
        return program
    shipped = (each.origin for record in records for each in record.programs if each.side == "image")
    path = next(shipped, "")
    return f"{program}:{path}" if path.startswith("/") else program


def _in_a_stage(program: str, records: list[RunRecord]) -> str | None:
    stage, colon, path = program.partition(":/")
    if not colon:
        return None
    for record in records:
        for call in reversed(record.calls):
            if call.stage == stage:
                digest = call.made.get(f"/{path}") or call.kept.get(f"/{path}")
                if digest is not None:
                    return digest
    return None
