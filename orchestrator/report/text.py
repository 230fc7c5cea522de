"""A run on one screen, for a person at a terminal. A pure function of the record and of what the terminal can show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.report.figures import duration, short, size
from orchestrator.report.lanes import Lanes, lanes_of, sent
from orchestrator.report.style import Style
from orchestrator.report.untrusted import visible, visible_record
from orchestrator.report.width import columns, pad, wrap
from orchestrator.verdict import Status, VerdictStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.record import ExcerptFacts, FailureFacts, ProgramFacts, RunRecord
    from orchestrator.verdict import CheckResult

_SIGNS = {
    Status.PASSED: ("✓", "green"),
    Status.FAILED: ("✗", "red"),
    Status.UNKNOWN: ("?", "yellow"),
    Status.SKIPPED: ("-", "yellow"),
}
_DETAIL_SHOWN = 40
_DRIFT_SHOWN = 3
_LABEL_WIDTH = 10
_ID_WIDTH = 11
_REMAPPED = "remap"
"""Of `RunRecord.place`; as build/place.py names it, which reports do not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Detail:
    """How much is told.

    Attributes:
        evidence: facts of the check that the verdict leads with.
        others: facts of each other check that did not pass.
        message: lines of the message of a check that the verdict does not lead with.
        airy: whether there is an empty line between the blocks.
    """

    evidence: int
    others: int
    message: int
    airy: bool = True


_DETAILS = (
    _Detail(evidence=8, others=8, message=99),
    _Detail(evidence=6, others=0, message=3),
    _Detail(evidence=3, others=0, message=2),
    _Detail(evidence=2, others=0, message=1),
    _Detail(evidence=1, others=0, message=1, airy=False),
)
"""From all to the least; on a terminal the first that fits its height is taken. The record and the HTML report hold
everything."""


def render(record: RunRecord) -> bytes:
    """Return the screen as a UTF-8 text file."""
    return render_text(record, Style()).encode("utf-8")


def render_text(record: RunRecord, style: Style) -> str:
    """Return the screen: both lanes, the three programs, each check with its evidence, and the verdict."""
    record = visible_record(record, lambda text: style.shown(visible(text)))
    lines: list[str] = []
    for detail in _DETAILS:
        lines = _screen(record, style, detail)
        # One row is the prompt's.
        if style.height is None or len(lines) < style.height:
            break
    return "\n".join(lines) + "\n"


def _screen(record: RunRecord, style: Style, detail: _Detail) -> list[str]:
    blocks = [
        list(_head(record, style)),
        list(_lanes(record, lanes_of(record), style)),
        list(_programs(record, style)),
        [line for check in record.checks for line in _check(check, record, style, detail)],
        list(_ending(record, style)),
    ]
    lines: list[str] = []
    for block in blocks:
        if block:
            # The verdict stands apart, however little room there is.
            apart = lines and (detail.airy or block is blocks[-1])
            lines += [*([""] if apart else []), *block]
    return lines


def _head(record: RunRecord, style: Style) -> Iterator[str]:
    dot = f" {style.sign('·')} "
    parts = [f"run {record.run}", duration(record.seconds)]
    if record.source:
        commit = short(record.source.commit) if record.source.commit else "no commit"
        parts.append(commit + (" + changes" if record.source.dirty else ""))
    name = style.paint(record.project, "bold")
    if columns(dot.join([record.project, *parts])) <= style.width:
        yield dot.join([name, *parts])
    else:
        yield name
        yield from (style.cut(f"  {part}", style.width) for part in parts)


def _lanes(record: RunRecord, lanes: Lanes, style: Style) -> Iterator[str]:
    dot = f" {style.sign('·')} "
    if record.bases:
        bases = [f"{base.reference} {short(base.image_id)}" for base in record.bases]
        yield from _labelled("bases", dot.join(bases), style)
    yield from (line for sentence in record.unlike for line in _labelled("unlike", sentence, style))
    if record.place and record.place.startswith(f"{_REMAPPED} "):
        why = record.place.removeprefix(f"{_REMAPPED} ").strip("()")
        yield from _labelled("paths", f"remapped on the host, not the image's own: {why}", style)
    yield from _drift(record, style)
    yield from _leftovers(record, style)
    yield from _reached(record, style)
    if lanes.local is not None:
        yield from _lane("local", lanes.local.seconds, lanes.local.title, style)
    if lanes.image is not None:
        yield from _lane("image", lanes.image.seconds, lanes.image.title, style)


def _drift(record: RunRecord, style: Style) -> Iterator[str]:
    changes = record.lock.drift if record.lock else ()
    for number, change in enumerate(changes[:_DRIFT_SHOWN]):
        yield style.cut(f"  {'' if number else 'drift':{_LABEL_WIDTH}}{change.text}", style.width)
    if record.lock and len(changes) > _DRIFT_SHOWN:
        more = f"{len(changes) - _DRIFT_SHOWN} more since {record.lock.path}; `invoke lock` takes them over"
        yield from _labelled("", more, style)


def _leftovers(record: RunRecord, style: Style) -> Iterator[str]:
    kept = [left for left in record.leftovers if not left.removed]
    for number, left in enumerate(kept[:_DRIFT_SHOWN]):
        where = f", made at {left.location}" if left.location else ""
        text = f"{left.name}: {left.count} files, {size(left.size)}{where}"
        yield style.cut(f"  {'' if number else 'leftover':{_LABEL_WIDTH}}{text}", style.width)


def _reached(record: RunRecord, style: Style) -> Iterator[str]:
    for number, step in enumerate(record.reached[:_DRIFT_SHOWN]):
        text = f"{step.location or 'a step'} reached for the network: {sent(step)}"
        yield from _labelled("" if number else "network", text, style)


def _lane(label: str, seconds: float, text: str, style: Style) -> Iterator[str]:
    yield style.cut(f"  {label:{_LABEL_WIDTH}}{duration(seconds):>10}  {text}", style.width)


def _programs(record: RunRecord, style: Style) -> Iterator[str]:
    first = record.programs[0].sha256 if record.programs else None
    for program in record.programs:
        yield style.cut(f"  {program.side:{_LABEL_WIDTH}}{_program(program, first, style)}", style.width)


def _program(program: ProgramFacts, first: str | None, style: Style) -> str:
    if program.sha256 is None:
        return f"{'missing':>10}    {program.origin}"
    same = "=" if program.sha256 == first else style.sign("≠")
    return f"{size(program.size):>10}  {same} {short(program.sha256)}  {program.origin}"


def _check(check: CheckResult, record: RunRecord, style: Style, detail: _Detail) -> Iterator[str]:
    character, colour = _SIGNS[check.status]
    sign = style.sign(character)
    # `ok` and `FAIL` stand for the signs where the encoding has none; the column is then wide enough for both.
    sign_width = max(columns(style.sign(known)) for known, _ in _SIGNS.values())
    indent = 2 + sign_width + 1 + _ID_WIDTH + 1
    leads = record.verdict is not None and check.cause is not None and check.cause == record.verdict.cause
    message = wrap(check.message + (" (remembered)" if check.remembered else ""), style.width - indent)
    shown = message if leads else message[: detail.message]
    if len(shown) < len(message):
        shown[-1] = style.cut(f"{shown[-1]} {message[len(shown)]}", style.width - indent)
    yield f"  {style.paint(pad(sign, sign_width), colour)} {check.id:{_ID_WIDTH}} {shown[0]}"
    yield from (" " * indent + line for line in shown[1:])
    if check.status is not Status.PASSED:
        allowed = detail.evidence if leads else detail.others
        facts = [line for fact in check.evidence for line in f"{fact.label}: {fact.value}".splitlines()]
        for line in facts[:allowed]:
            yield style.paint(style.cut(" " * indent + line, style.width), "dim")


def _ending(record: RunRecord, style: Style) -> Iterator[str]:
    if record.failure:
        yield from render_failure(record.failure, style, excerpts=record.excerpts)
    elif record.verdict is not None and record.verdict.status is VerdictStatus.PASSED and record.image:
        image = record.image
        yield f"{style.paint('PASSED', 'green')}  {image.tag} {style.sign('→')} {short(image.candidate_id)}"
        if image.engine_id not in {None, image.candidate_id}:
            yield from _labelled("engine", f"it lists this image by its manifest, {short(image.engine_id)}", style)
    else:
        yield from _refusal(record, style)


def _refusal(record: RunRecord, style: Style) -> Iterator[str]:
    verdict, image = record.verdict, record.image
    if verdict is None or image is None:
        return
    stays = f"{image.tag} stays at {short(image.previous_id)}" if image.previous_id else f"{image.tag} was not given"
    head = style.paint("REFUSED", "red")
    if columns(f"REFUSED  {stays}") <= style.width:
        yield f"{head}  {stays}"
    else:
        yield head
        yield from _labelled("tag", stays, style)
    yield from _labelled("cause", verdict.cause or "unknown", style)
    if verdict.location:
        yield from _labelled("line", str(verdict.location), style)
        yield from _quoted(verdict.location.file, verdict.location.line, record.excerpts, style)
    if verdict.repair:
        yield from _labelled("repair", verdict.repair, style)
    yield from _labelled("more", "invoke report --html FILE", style)


def _labelled(label: str, text: str, style: Style) -> Iterator[str]:
    room = style.width - _LABEL_WIDTH - 2
    lines = [line for part in text.splitlines() or [""] for line in wrap(part, room, whole_words=True)]
    for number, line in enumerate(lines):
        yield f"  {label if number == 0 else '':{_LABEL_WIDTH}}{line}"


def _quoted(file: str, line: int | None, excerpts: tuple[ExcerptFacts, ...], style: Style) -> Iterator[str]:
    for excerpt in excerpts:
        if line is not None and excerpt.file == file and excerpt.first <= line < excerpt.first + len(excerpt.lines):
            text = excerpt.lines[line - excerpt.first].strip()
            indent = " " * (_LABEL_WIDTH + 2)
            yield style.paint(style.cut(f"{indent}{style.sign('│')} {text}", style.width), "dim")
            return


def render_failure(failure: FailureFacts, style: Style, *, excerpts: tuple[ExcerptFacts, ...] = ()) -> Iterator[str]:
    """Yield the lines that say why a run has no verdict.

    Args:
        failure: as the record or the error has it.
        style: what the terminal can show.
        excerpts: lines of files, of which the one is quoted that the failure points at.
    """
    yield f"{style.paint('NO VERDICT', 'yellow')}  {failure.cause} (exit code {failure.exit_code})"
    where = f"{failure.location}: " if failure.location else ""
    yield from _labelled("what", style.shown(visible(where + failure.message)), style)
    if failure.location:
        yield from _quoted(failure.location.file, failure.location.line, excerpts, style)
    if failure.repair:
        yield from _labelled("repair", style.shown(visible(failure.repair)), style)
    # Not cut: a compiler's words are drawn over several lines, and a terminal wraps what is too long.
    yield from (f"    {style.shown(visible(line))}" for line in failure.detail[:_DETAIL_SHOWN])
    if len(failure.detail) > _DETAIL_SHOWN:
        yield f"    ({len(failure.detail) - _DETAIL_SHOWN} more lines in the run's log)"
