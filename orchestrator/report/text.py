"""A run on one screen, for a person at a terminal. A pure function of the record."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from orchestrator.verdict import Status, VerdictStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.record import FailureFacts, ProgramFacts, RunRecord, StepFacts
    from orchestrator.report.style import Style
    from orchestrator.verdict import CheckResult, Evidence

_SIGNS = {
    Status.PASSED: ("✓", "green"),
    Status.FAILED: ("✗", "red"),
    Status.UNKNOWN: ("?", "yellow"),
    Status.SKIPPED: ("-", "yellow"),
}
_MEGABYTE = 1_000_000
_MINUTE = 60
_SHORT_DIGEST = 12
_EVIDENCE_SHOWN = 8
_DETAIL_SHOWN = 40
_LABEL_WIDTH = 10


def render_text(record: RunRecord, style: Style) -> str:
    """Return the screen: both lanes, the three programs, each check with its evidence, and the verdict."""
    blocks = [
        list(_head(record, style)),
        [style.cut(line, style.width) for line in _lanes(record)],
        list(_programs(record, style)),
        [line for check in record.checks for line in _check(check, style)],
        list(_ending(record, style)),
    ]
    return style.shown("\n\n".join("\n".join(block) for block in blocks if block)) + "\n"


def duration(seconds: float | None) -> str:
    """Return a duration as people read it: `0.42 s`, `12.3 s`, `2 min 05 s`."""
    if seconds is None:
        return ""
    if seconds < _MINUTE:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    return f"{int(seconds // _MINUTE)} min {int(seconds % _MINUTE):02} s"


def size(count: int | None) -> str:
    """Return a size in decimal units: `312 B`, `284.8 kB`, `16.0 MB`."""
    if count is None:
        return "-"
    if count < 1000:  # noqa: PLR2004 - where kilobytes begin
        return f"{count} B"
    return f"{count / 1000:.1f} kB" if count < _MEGABYTE else f"{count / _MEGABYTE:.1f} MB"


def _head(record: RunRecord, style: Style) -> Iterator[str]:
    dot = f" {style.sign('·')} "
    parts = [f"run {record.run}", duration(record.seconds)]
    if record.source:
        commit = (record.source.commit or "no commit")[:_SHORT_DIGEST]
        parts.append(commit + (" + changes" if record.source.dirty else ""))
    name = style.paint(record.project, "bold")
    if len(dot.join([record.project, *parts])) <= style.width:
        yield dot.join([name, *parts])
    else:
        yield name
        yield from (f"  {part}" for part in parts)


def _lanes(record: RunRecord) -> Iterator[str]:
    local = [step for step in record.steps if step.lane == "local"]
    image = [step for step in record.steps if step.lane == "image"]
    for base in record.bases:
        yield f"  base     {base.reference}  {base.image_id[7 : 7 + _SHORT_DIGEST]} ({base.origin})"
    if local:
        yield f"  local    {duration(_total(local)):>9}  {local[-1].name}"
    if record.place:
        yield f"           {'':>9}  {record.place}"
    if image:
        cached = sum(step.state == "cached" for step in image)
        yield f"  image    {duration(_total(image)):>9}  {len(image)} steps, {cached} cached"


def _total(steps: list[StepFacts]) -> float:
    return sum(step.seconds or 0.0 for step in steps)


def _programs(record: RunRecord, style: Style) -> Iterator[str]:
    if not record.programs:
        return
    first = record.programs[0].sha256
    for program in record.programs:
        yield style.cut(_program(program, first=first), style.width)


def _program(program: ProgramFacts, *, first: str | None) -> str:
    if program.sha256 is None:
        return f"  {program.side:8} {'missing':>9}  {program.origin}"
    digest = program.sha256[:_SHORT_DIGEST]
    same = "=" if program.sha256 == first else "\u2260"
    return f"  {program.side:8} {size(program.size):>9}  {same} {digest}  {program.origin}"


def _check(check: CheckResult, style: Style) -> Iterator[str]:
    sign, colour = _SIGNS[check.status]
    room = style.width - 16
    wrapped = textwrap.wrap(check.message + (" (remembered)" if check.remembered else ""), room) or [""]
    yield f"  {style.paint(style.sign(sign), colour)} {check.id:11} {wrapped[0]}"
    yield from (f"    {'':11} {line}" for line in wrapped[1:])
    if check.status is not Status.PASSED:
        for evidence in check.evidence[:_EVIDENCE_SHOWN]:
            yield from _evidence(evidence, style)


def _evidence(evidence: Evidence, style: Style) -> Iterator[str]:
    indent = " " * 16
    lines = f"{evidence.label}: {evidence.value}".splitlines()
    yield from (style.paint(style.cut(indent + line, style.width), "dim") for line in lines)


def _ending(record: RunRecord, style: Style) -> Iterator[str]:
    if record.failure:
        yield from render_failure(record.failure, style)
        return
    if record.verdict is None:
        return
    if record.verdict.status is VerdictStatus.PASSED and record.image:
        name, new = record.image.tag, record.image.candidate_id[7 : 7 + _SHORT_DIGEST]
        yield f"{style.paint('PASSED', 'green')}  {name} {style.sign('→')} {new}"
        return
    yield from _refusal(record, style)


def _refusal(record: RunRecord, style: Style) -> Iterator[str]:
    verdict = record.verdict
    if verdict is None or record.image is None:
        return
    previous = record.image.previous_id
    stays = f"{record.image.tag} stays at {previous[7 : 7 + _SHORT_DIGEST]}" if previous else "no tag was given"
    head = style.paint("REFUSED", "red")
    if len(f"REFUSED  {stays}") <= style.width:
        yield f"{head}  {stays}"
    else:
        yield head
        yield from _labelled("tag", stays, style)
    yield from _labelled("cause", verdict.cause or "unknown", style)
    if verdict.location:
        yield from _labelled("line", str(verdict.location), style)
    if verdict.repair:
        yield from _labelled("repair", verdict.repair, style)


def _labelled(label: str, text: str, style: Style) -> Iterator[str]:
    room = style.width - _LABEL_WIDTH - 2
    lines = [line for part in text.splitlines() for line in textwrap.wrap(part, room, break_on_hyphens=False) or [""]]
    for number, line in enumerate(lines):
        yield f"  {label if number == 0 else '':{_LABEL_WIDTH}}{line}"


def render_failure(failure: FailureFacts, style: Style) -> Iterator[str]:
    """Yield the lines that say why a run has no verdict."""
    yield f"{style.paint('NO VERDICT', 'yellow')}  {failure.cause} (exit code {failure.exit_code})"
    where = f"{failure.location}: " if failure.location else ""
    yield from _labelled("what", where + failure.message, style)
    if failure.repair:
        yield from _labelled("repair", failure.repair, style)
    yield from (style.shown(f"    {line}") for line in failure.detail[:_DETAIL_SHOWN])
    if len(failure.detail) > _DETAIL_SHOWN:
        yield f"    ({len(failure.detail) - _DETAIL_SHOWN} more lines in the run's log)"
