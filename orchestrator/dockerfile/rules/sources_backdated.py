"""Sources are given a time of the past before the build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Rule, Severity
from orchestrator.dockerfile.rules.stubs import flawed, hazards
from orchestrator.dockerfile.timeline.poison import FlawKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.read import Timeline


def _check(timeline: Timeline) -> Iterator[Finding]:
    for hazard in hazards(timeline, FlawKind.BACKDATED):
        yield flawed(RULE.id, hazard, message="this `touch` makes the sources older than the stubs' artifacts")


RULE = Rule(
    id="sources-backdated",
    severity=Severity.ERROR,
    covers=("B6", "B8", "C2"),
    summary="`touch -d`, `-t` or `SOURCE_DATE_EPOCH` on sources before the build",
    check=_check,
)
