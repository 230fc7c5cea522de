"""A Markdown summary for a CI server's page of a run (GitHub's step summary, GitLab, Forgejo).

GitHub takes at most 1 MiB for a step, so what programs printed is cut; the HTML report holds it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.report.figures import duration, short, size
from orchestrator.report.lanes import NO_NETWORK, lanes_of, sent
from orchestrator.report.markdown_text import FACT_KEPT, code, fenced, plain, prose
from orchestrator.report.untrusted import visible_record
from orchestrator.verdict import Status, VerdictStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.location import Location
    from orchestrator.record import CaseFacts, ExcerptFacts, RunRecord
    from orchestrator.verdict import CheckResult

_SIGNS = {Status.PASSED: "✅", Status.FAILED: "❌", Status.UNKNOWN: "❔", Status.SKIPPED: "⏭️"}

_CASES_KEPT = 100
_DETAIL_KEPT, _FACTS_KEPT = 40, 20
"""Lines of a log's end, and facts of a check."""


def render(record: RunRecord) -> bytes:
    """Return the summary, UTF-8."""
    record = visible_record(record)
    blocks = ["\n".join(block) for block in _blocks(record)]
    return ("\n\n".join(block for block in blocks if block) + "\n").encode()


def _blocks(record: RunRecord) -> Iterator[list[str]]:
    yield list(_head(record))
    yield list(_reason(record))
    if record.programs:
        yield list(_programs(record))
    if record.checks:
        yield list(_checks(record.checks))
    for check in record.checks:
        if check.status is not Status.PASSED and check.evidence:
            yield list(_evidence(check))
    yield list(_footing(record))
    cases = [case for run in record.transcripts for case in run.cases]
    if cases:
        yield list(_cases(cases))
    yield list(_foot(record))


def _footing(record: RunRecord) -> Iterator[str]:
    changes = [change.text for change in record.lock.drift] if record.lock else []
    yield from (f"- not the same on both sides: {prose(sentence)}" for sentence in record.unlike)
    yield from (f"- not as locked: {plain(text)}" for text in changes[:_FACTS_KEPT])
    for left in record.leftovers:
        place = f" ({code(str(left.location))})" if left.location else ""
        if not left.removed:
            yield f"- left by the build host{place}: {plain(left.name)}; {prose(left.repair)}"
    for step in record.reached:
        place = f" ({code(str(step.location))})" if step.location else ""
        yield f"- reached for the network{place}: {plain(sent(step))}; {prose(NO_NETWORK)}"
    if len(changes) > _FACTS_KEPT:
        yield f"- {len(changes) - _FACTS_KEPT} more are in the HTML report"


def _head(record: RunRecord) -> Iterator[str]:
    if record.verdict is None:
        yield f"### ⚠️ {plain(record.project)}: no verdict"
    elif record.verdict.status is VerdictStatus.PASSED:
        yield f"### ✅ {plain(record.project)}: passed"
    else:
        yield f"### ❌ {plain(record.project)}: refused"


def _reason(record: RunRecord) -> Iterator[str]:
    told = record.verdict or record.failure
    image = record.image
    if told is None:
        return
    yield prose(told.message)
    if record.verdict is not None and record.verdict.status is VerdictStatus.PASSED:
        if image is not None:
            yield f"\n{code(image.tag)} is now {code(short(image.candidate_id))}."
        return
    yield f"\n- **Cause:** {code(told.cause or 'unknown')}"
    if told.location is not None:
        yield f"- **Line:** {code(str(told.location))}"
    if told.repair:
        yield f"- **Repair:** {prose(told.repair)}"
    if image is not None:
        stays = f"stays at {code(short(image.previous_id))}" if image.previous_id else "was not given"
        yield f"- **Tag:** {code(image.tag)} {stays}"
    yield from _quotation(told.location, record.excerpts)
    if record.failure is not None and record.failure.detail:
        yield from fenced(record.failure.detail[-_DETAIL_KEPT:])


def _programs(record: RunRecord) -> Iterator[str]:
    first = record.programs[0].sha256
    yield "| program | size | sha256 | where it was |"
    yield "| --- | ---: | --- | --- |"
    for program in record.programs:
        same = "" if program.sha256 is None else "= " if program.sha256 == first else "≠ "
        digest = f"{same}{code(short(program.sha256))}" if program.sha256 else "no such file"
        yield f"| {plain(program.side)} | {size(program.size)} | {digest} | {code(program.origin)} |"


def _checks(checks: Sequence[CheckResult]) -> Iterator[str]:
    yield "| | check | what was found |"
    yield "| --- | --- | --- |"
    for check in checks:
        cause = f"{code(check.cause)} " if check.cause else ""
        remembered = " (remembered)" if check.remembered else ""
        yield f"| {_SIGNS[check.status]} | {plain(check.id)} | {cause}{prose(check.message)}{remembered} |"


def _evidence(check: CheckResult) -> Iterator[str]:
    yield f"<details><summary>{plain(check.id)}: evidence</summary>"
    facts = [f"{fact.label}: {fact.value}" for fact in check.evidence[:_FACTS_KEPT]]
    yield from fenced(facts)
    if len(check.evidence) > _FACTS_KEPT:
        yield f"{len(check.evidence) - _FACTS_KEPT} more facts are in the HTML report.\n"
    yield "</details>"


def _cases(cases: Sequence[CaseFacts]) -> Iterator[str]:
    """Yield what the smoke run was asked, one line each, what does not hold first."""
    held, skipped = (sum(case.status is status for case in cases) for status in (Status.PASSED, Status.SKIPPED))
    note = f", {skipped} not judged" if skipped else ""
    yield f"<details><summary>smoke: {held} of {len(cases) - skipped} expectations hold{note}</summary>\n"
    yield "| | asked | found |"
    yield "| --- | --- | --- |"
    ordered = sorted(cases, key=lambda case: case.status is not Status.FAILED)
    for case in ordered[:_CASES_KEPT]:
        place = f" {code(str(case.location))}" if case.location is not None else ""
        yield f"| {_SIGNS[case.status]} | {plain(case.name)}{place} | {plain(case.detail[:FACT_KEPT])} |"
    if len(ordered) > _CASES_KEPT:
        yield f"\n{len(ordered) - _CASES_KEPT} more are in the JUnit file."
    yield "\n</details>"


def _foot(record: RunRecord) -> Iterator[str]:
    lanes = lanes_of(record)
    parts = [f"run {plain(record.run)}", duration(record.seconds)]
    if lanes.local is not None:
        parts.append(f"local {duration(lanes.local.seconds)}")
    if lanes.image is not None:
        parts.append(f"image {duration(lanes.image.seconds)} ({lanes.image.title})")
    if record.source is not None and record.source.commit:
        parts.append(f"{code(short(record.source.commit))}{' with changes' if record.source.dirty else ''}")
    yield f"<sub>{' · '.join(parts)}</sub>"


def _quotation(location: Location | None, excerpts: Sequence[ExcerptFacts]) -> Iterator[str]:
    for excerpt in excerpts:
        if location is not None and location.line is not None and excerpt.file == location.file:
            place = location.line - excerpt.first
            if 0 <= place < len(excerpt.lines):
                yield from fenced(
                    f"{'>' if number == place else ' '} {excerpt.first + number:4}  {text}"
                    for number, text in enumerate(excerpt.lines)
                )
                return
