"""Both smoke runs side by side in the HTML report: what each printed, line by line, and how each ended."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import TYPE_CHECKING

from orchestrator.report.figures import duration
from orchestrator.report.markup import Markup, element
from orchestrator.verdict import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from orchestrator.record import AnswerFacts, CaseFacts, LineFacts, ServiceFacts, TranscriptFacts

_VOLATILE = re.compile(r"0x[0-9a-fA-F]+|\d+")
"""Numbers: times, ports, process ids, addresses. Taken out only for finding which lines belong together; what the
check makes of a difference is told by the check."""

_SIGNALLED = 128
_MEBIBYTE = 1024**2
_SIGNS = {Status.PASSED: "✓", Status.FAILED: "✗", Status.UNKNOWN: "?", Status.SKIPPED: "–"}  # noqa: RUF001 - a dash

Pair = tuple["LineFacts | None", "LineFacts | None", bool]
"""A line of each side, where it has one, and whether the two say the same."""


def transcripts(runs: Sequence[TranscriptFacts]) -> Markup | None:
    """Return both runs side by side; None where there is none."""
    if not runs:
        return None
    local = next((run for run in runs if run.side == "local"), None)
    image = next((run for run in runs if run.side == "image"), None)
    return element(
        "div",
        element(
            "table",
            element("thead", element("tr", element("th"), _head("Host", local), _head("Image", image))),
            element("tbody", [_fact(*row) for row in _facts(local, image)]),
            class_="facts",
        ),
        _cases(image.cases) if image and image.cases else None,
        _output(local, image),
    )


def aligned(local: Sequence[LineFacts], image: Sequence[LineFacts]) -> Iterator[Pair]:
    """Yield the lines of both sides next to each other."""
    ours, theirs = ([_VOLATILE.sub("#", line.text).rstrip() for line in side] for side in (local, image))
    for kind, a, b, c, d in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        for left, right in zip_longest(local[a:b], image[c:d]):
            yield left, right, kind == "equal"


def _cases(cases: Sequence[CaseFacts]) -> Markup:
    """Return everything that the image was asked, folded away where all of it holds."""
    held, skipped = (sum(case.status is status for case in cases) for status in (Status.PASSED, Status.SKIPPED))
    note = f", {skipped} not judged" if skipped else ""
    rows = [
        element(
            "tr",
            element(
                "td", element("span", _SIGNS[case.status], class_=f"sign {case.status.value}", title=case.status.value)
            ),
            element("td", case.name, element("small", str(case.location)) if case.location else None),
            element("td", case.detail),
            class_=case.status.value,
        )
        for case in sorted(cases, key=lambda case: case.status is not Status.FAILED)
    ]
    failed = any(case.status is Status.FAILED for case in cases)
    return element(
        "details",
        element("summary", f"{held} of {len(cases) - skipped} expectations of the image hold{note}"),
        element("table", element("tbody", rows), class_="cases"),
        open="open" if failed else None,
    )


def _sign(status: Status) -> Markup:
    return element("span", _SIGNS[status], class_=f"sign {status.value}", title=status.value)


def _head(name: str, run: TranscriptFacts | None) -> Markup:
    note = " (did not run)" if run is None else " (remembered)" if run.remembered else ""
    return element("th", name, element("small", note) if note else None, scope="col")


def _facts(local: TranscriptFacts | None, image: TranscriptFacts | None) -> Iterator[tuple[str, str, str]]:
    for label, tell in _FACTS.items():
        left, right = ("-" if run is None else tell(run) for run in (local, image))
        if (left, right) != ("", ""):
            yield label, left, right


def _fact(label: str, left: str, right: str) -> Markup:
    return element("tr", element("th", label, scope="row"), element("td", left), element("td", right))


def _ready(run: TranscriptFacts) -> str:
    return "never" if run.ready_after is None else f"after {duration(run.ready_after)}"


def _exit(run: TranscriptFacts) -> str:
    if run.start_error is not None:
        return f"could not be started: {run.start_error}"
    if run.exit_code is None:
        return "not known"
    signal = f" (signal {run.exit_code - _SIGNALLED})" if run.exit_code > _SIGNALLED else ""
    marks = [
        mark for mark, there in (("killed for its memory", run.oom_killed), ("had to be killed", run.killed)) if there
    ]
    return f"{run.exit_code}{signal}" + "".join(f", {mark}" for mark in marks)


def _answer(answer: AnswerFacts) -> str:
    return f"{answer.request} {answer.status or 'no answer'}" + (f" ({answer.problem})" if answer.problem else "")


def _service(service: ServiceFacts) -> str:
    return f"{service.name}: {service.problem or f'up after {duration(service.ready_after)}'}"


_FACTS: dict[str, Callable[[TranscriptFacts], str]] = {
    "ready": _ready,
    "lines printed": lambda run: str(run.line_count),
    "exit code": _exit,
    "ended after the stop signal": lambda run: "" if run.stop_seconds is None else duration(run.stop_seconds),
    "from start to end": lambda run: duration(run.seconds),
    "files found": lambda run: ", ".join(run.found),
    "files missing": lambda run: ", ".join(run.missing),
    "files that must not be": lambda run: ", ".join(run.forbidden),
    "never started, since": lambda run: run.unmeetable or "",
    "not ready, since": lambda run: "; ".join(run.waiting) if run.ready_after is None else "",
    "answers": lambda run: "; ".join(_answer(answer) for answer in run.answers),
    "printed what it must not": lambda run: "; ".join(offence.line for offence in run.offences),
    "services": lambda run: "; ".join(_service(service) for service in run.services),
    "wrote elsewhere": lambda run: ", ".join(run.written or ()),
    "dead processes": lambda run: str(run.zombies) if run.zombies else "",
    "memory while idle": lambda run: "" if run.growth is None else f"{run.growth / _MEBIBYTE:+.1f} MiB",
    "second start": lambda run: run.restart_problem or "",
}


def _output(local: TranscriptFacts | None, image: TranscriptFacts | None) -> Markup:
    rows = list(_rows(local.head if local else (), image.head if image else ()))
    gap = [f"{_gap(run)} lines not kept" if run is not None and _gap(run) else "" for run in (local, image)]
    if any(gap):
        rows.append(element("tr", [element("td", text, class_="gap") for text in gap]))
    rows += _rows(local.tail if local else (), image.tail if image else ())
    if not rows:
        return element("p", "Neither run printed anything.", class_="dim")
    heads = element("tr", element("th", "Host prints", scope="col"), element("th", "Image prints", scope="col"))
    return element("table", element("thead", heads), element("tbody", rows), class_="output")


def _gap(run: TranscriptFacts) -> int:
    return run.line_count - len(run.head) - len(run.tail)


def _rows(local: Sequence[LineFacts], image: Sequence[LineFacts]) -> Iterator[Markup]:
    for left, right, same in aligned(local, image):
        yield element("tr", _cell(left), _cell(right), class_=None if same else "differs")


def _cell(line: LineFacts | None) -> Markup:
    if line is None:
        return element("td", class_="none")
    at = element("span", f"{line.at:.2f}", class_="at", title=f"{line.at} s after the start, on {line.stream}")
    return element("td", at, element("span", line.text, class_="stderr" if line.stream == "stderr" else None))
