"""A list of runs, for a person (`invoke runs`) and for programs (`--json`)."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from orchestrator.report.exit_code import exit_code_of
from orchestrator.report.figures import duration, short
from orchestrator.report.untrusted import one_line
from orchestrator.report.width import columns, pad

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestrator.record import RunRecord
    from orchestrator.record.runs import KnownRun
    from orchestrator.report.style import Style

_COLOURS = {"passed": "green", "refused": "red", "no verdict": "yellow"}
_HEADINGS = ("run", "time (UTC)", "verdict", "cause", "duration", "commit")
_CHOICES = ((0, 1, 2, 3, 4, 5), (0, 1, 2, 3, 4), (0, 2, 3, 4), (0, 2, 3))
"""Which columns are shown: the first choice that fits the width. An id begins with the time."""


def render_list(runs: Iterable[KnownRun], style: Style) -> str:
    """Return a table of runs, the newest first."""
    rows = [_HEADINGS, *(_row(run) for run in runs)]
    if len(rows) == 1:
        return "no run has been made here yet; `invoke build` makes one\n"
    fitting = (choice for choice in _CHOICES if _width(rows, choice) <= style.width)
    places = next(fitting, _CHOICES[-1])
    widths = {place: max(columns(row[place]) for row in rows) for place in places}
    return "".join(f"{_line(row, widths, style)}\n" for row in rows)


def render_list_json(runs: Iterable[KnownRun]) -> str:
    """Return the same as a JSON array of objects."""
    return json.dumps([_facts(run) for run in runs], indent=2) + "\n"


def outcome(record: RunRecord) -> str:
    """Return `passed`, `refused` or `no verdict`."""
    return record.verdict.status.value if record.verdict is not None else "no verdict"


def cause(record: RunRecord) -> str:
    """Return the id of why a run did not pass; empty where it did."""
    told = record.verdict or record.failure
    return (told.cause if told is not None else None) or ""


def _row(known: KnownRun) -> tuple[str, ...]:
    record = known.record
    if record is None:
        return (known.run, "", "no record", one_line(known.problem or ""), "", "")
    commit = (short(record.source.commit) + ("+" if record.source.dirty else "")) if record.source else ""
    return (
        known.run,
        _time(record.started),
        outcome(record),
        one_line(cause(record)),
        duration(record.seconds),
        commit,
    )


def _time(started: str) -> str:
    try:
        return datetime.fromisoformat(started).strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return one_line(started)


def _width(rows: Sequence[tuple[str, ...]], places: Sequence[int]) -> int:
    return sum(max(columns(row[place]) for row in rows) + 2 for place in places) - 2


def _line(row: tuple[str, ...], widths: dict[int, int], style: Style) -> str:
    cells = []
    room = style.width
    for place, width in widths.items():
        text = style.cut(style.shown(row[place]), max(0, room))
        room -= width + 2
        colour = _COLOURS.get(row[place]) if place == _HEADINGS.index("verdict") else None
        padded = pad(text, width)
        cells.append(style.paint(padded, colour) if colour else padded)
    return "  ".join(cells).rstrip()


def _facts(known: KnownRun) -> dict[str, Any]:
    record = known.record
    if record is None:
        return {"run": known.run, "problem": known.problem}
    return {
        "run": known.run,
        "started": record.started,
        "seconds": record.seconds,
        "verdict": record.verdict.status.value if record.verdict is not None else None,
        "cause": cause(record) or None,
        "exit_code": exit_code_of(record),
        "commit": record.source.commit if record.source else None,
        "dirty": record.source.dirty if record.source else None,
    }
