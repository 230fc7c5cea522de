"""The verdict, each check with its evidence, and the lines that findings point at, as parts of the HTML report."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

from orchestrator.report.figures import duration, short
from orchestrator.report.markup import Markup, element, joined
from orchestrator.verdict import Status, VerdictStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.location import Location
    from orchestrator.record import ExcerptFacts, FailureFacts, RunRecord
    from orchestrator.verdict import CheckResult

_SIGNS = {Status.PASSED: "✓", Status.FAILED: "✗", Status.UNKNOWN: "?", Status.SKIPPED: "–"}  # noqa: RUF001 - a dash


def verdict_section(record: RunRecord) -> Markup:
    """Return the box that says what the gate said, and on a refusal why, where, and what to do."""
    verdict, image = record.verdict, record.image
    if verdict is None:
        return joined()
    if verdict.status is VerdictStatus.PASSED:
        tag = f"{image.tag} is now {short(image.candidate_id)}." if image is not None else None
        return element(
            "section", element("h2", "Passed"), element("p", verdict.message, ". ", tag), class_="verdict passed"
        )
    facts = [("cause", verdict.cause or "unknown")]
    if image is not None:
        stays = f"stays at {short(image.previous_id)}" if image.previous_id else "was not given"
        facts.append(("tag", f"{image.tag} {stays}"))
    return element(
        "section",
        element("h2", "Refused"),
        element("p", prose(verdict.message)),
        element(
            "dl", _rows(facts), _place(verdict.location, record.excerpts), _rows([("repair", verdict.repair or "")])
        ),
        class_="verdict refused",
    )


def failure_section(failure: FailureFacts, excerpts: Sequence[ExcerptFacts]) -> Markup:
    """Return the box that says why there is no verdict."""
    facts = [("cause", f"{failure.cause} (exit code {failure.exit_code})")]
    return element(
        "section",
        element("h2", "No verdict"),
        element("p", prose(failure.message)),
        element("dl", _rows(facts), _place(failure.location, excerpts), _rows([("repair", failure.repair or "")])),
        _quotation(failure.location, excerpts, own=True),
        element("pre", "\n".join(failure.detail)) if failure.detail else None,
        class_="verdict none",
    )


def check_sections(checks: Sequence[CheckResult], excerpts: Sequence[ExcerptFacts]) -> Iterator[Markup]:
    """Yield each check with its evidence; links lead to the first quotation of a place."""
    anchors: set[str] = set()
    for check in checks:
        anchor = _anchor(check.location) if _found(check.location, excerpts) and check.location else None
        yield _check_section(check, excerpts, own=anchor is not None and anchor not in anchors)
        if anchor is not None:
            anchors.add(anchor)


def _check_section(check: CheckResult, excerpts: Sequence[ExcerptFacts], *, own: bool) -> Markup:
    notes = [note for note in (check.cause, "remembered" if check.remembered else None) if note]
    took = f" {duration(check.seconds)}" if check.seconds else None
    return element(
        "div",
        element("span", _SIGNS[check.status], class_=f"sign {check.status.value}", title=check.status.value),
        element("h3", check.id, [element("code", note) for note in notes], element("small", took) if took else None),
        element("p", prose(check.message)),
        element("dl", _place(check.location, excerpts), _rows([("repair", check.repair or "")])),
        _quotation(check.location, excerpts, own=own),
        element(
            "details",
            element("summary", f"Evidence ({len(check.evidence)})"),
            _evidence(check),
            open=check.status is not Status.PASSED,
        )
        if check.evidence
        else None,
        class_="check",
    )


def prose(text: str) -> Markup:
    """Return a message with what stands between backticks as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return joined(text)
    return joined([element("code", part) if number % 2 else part for number, part in enumerate(parts)])


def _evidence(check: CheckResult) -> Markup:
    # Facts with one label that follow each other (the last lines of a log) are one list.
    grouped = [
        (label, "\n".join(fact.value for fact in facts))
        for label, facts in groupby(check.evidence, key=lambda fact: fact.label)
    ]
    return element("dl", _rows(grouped, code=True))


def _rows(facts: Sequence[tuple[str, str]], *, code: bool = False) -> Iterator[Markup]:
    for label, text in facts:
        if text:
            shown = element("code", _lines(text)) if code else prose(text)
            yield joined(element("dt", label), element("dd", shown))


def _lines(text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines()):
        if number:
            yield element("br")
        yield line


def _place(location: Location | None, excerpts: Sequence[ExcerptFacts]) -> Markup | None:
    if location is None:
        return None
    text = element("code", str(location))
    linked = element("a", text, href=f"#{_anchor(location)}") if _found(location, excerpts) else text
    return joined(element("dt", "line"), element("dd", linked))


def _quotation(location: Location | None, excerpts: Sequence[ExcerptFacts], *, own: bool) -> Markup | None:
    excerpt = _found(location, excerpts)
    if location is None or excerpt is None:
        return None
    lines = [
        element("li", element("span", str(number)), text or " ", class_="here" if number == location.line else None)
        for number, text in enumerate(excerpt.lines, start=excerpt.first)
    ]
    return element(
        "div",
        element("div", excerpt.file, class_="file"),
        element("ol", lines),
        class_="excerpt",
        id=_anchor(location) if own else None,
    )


def _found(location: Location | None, excerpts: Sequence[ExcerptFacts]) -> ExcerptFacts | None:
    if location is None or location.line is None:
        return None
    for excerpt in excerpts:
        if excerpt.file == location.file and excerpt.first <= location.line < excerpt.first + len(excerpt.lines):
            return excerpt
    return None


def _anchor(location: Location) -> str:
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', location.file).strip('-')}-{location.line}"
