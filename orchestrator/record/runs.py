"""The runs of a workspace: found by id, by the start of an id, or as the latest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import RecordUnreadableError, UsageError
from orchestrator.record.file import FILE_NAME, read_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.record.facts import RunRecord

LATEST = "latest"
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRun:
    """A run that left a folder. `record`: None where it has no readable one; `problem` then says why."""

    run: str
    record: RunRecord | None
    problem: str | None = None


def find_record(runs: Path, wanted: str) -> Path:
    """Return the path of a run's record.

    Args:
        runs: the workspace's folder of runs.
        wanted: `latest`, a run id, the start or the end of one, or the path of a record (`./record.json`), which may be
            of another machine.

    Raises:
        RecordUnreadableError: there is no such run.
        UsageError: several runs fit.
    """
    if "/" in wanted or wanted.endswith(".json"):
        return Path(wanted)
    ids = run_ids(runs)
    if wanted == LATEST and (runs / LATEST).exists():
        return runs / (runs / LATEST).resolve().name / FILE_NAME
    if wanted in ids:
        return runs / wanted / FILE_NAME
    fitting = [run for run in ids if wanted and (run.startswith(wanted) or run.endswith(wanted))]
    if len(fitting) > 1:
        raise UsageError(
            f"{wanted!r} fits {len(fitting)} runs: {', '.join(fitting[:_SHOWN])}"
            + (", …" if len(fitting) > _SHOWN else ""),
            repair="give more of the id",
        )
    if not fitting:
        known = f"the newest are {', '.join(ids[:_SHOWN])}" if ids else "no run has been made here yet"
        raise RecordUnreadableError(
            f"there is no run record of {wanted!r} in {runs}; {known}",
            repair="`invoke runs` lists them" if ids else "run `invoke build` first",
        )
    return runs / fitting[0] / FILE_NAME


def run_ids(runs: Path) -> list[str]:
    """Return the ids of the runs that are there, the newest first."""
    return sorted((entry.name for entry in runs.iterdir() if entry.is_dir() and not entry.is_symlink()), reverse=True)


def known_runs(runs: Path) -> Iterator[KnownRun]:
    """Yield the runs that are there, the newest first; those that left no readable record as well."""
    for run in run_ids(runs):
        path = runs / run / FILE_NAME
        if not path.exists():
            yield KnownRun(run=run, record=None, problem="going on, or killed before its end")
            continue
        try:
            yield KnownRun(run=run, record=read_record(path))
        except RecordUnreadableError as error:
            yield KnownRun(run=run, record=None, problem=error.message)
