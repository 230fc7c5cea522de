"""A whole folder is copied onto the program's path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Rule, Severity
from orchestrator.dockerfile.timeline.output import outputs, start_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.read import Timeline


def _check(timeline: Timeline) -> Iterator[Finding]:
    started = start_words(timeline)
    program = started[0][0] if started and started[0] else ""
    last = len(timeline.states) - 1
    for output in outputs(timeline):
        if output.name or output.within or output.step.stage != last:
            continue
        onto = output.to == program
        yield Finding(
            rule=RULE.id,
            severity=Severity.ERROR if onto else Severity.HINT,
            span=output.span,
            message=f"{output.path} is a folder, with everything that cargo keeps in it",
            why=f"{program} then is a folder and cannot be started"
            if onto
            else "stubs, dependencies and earlier programs come along with the one that is meant",
            repair=f"name the program: {output.path}/<name>",
        )


RULE = Rule(
    id="directory-as-program",
    severity=Severity.ERROR,
    covers=("D4",),
    summary="COPY of target/release itself",
    check=_check,
)
