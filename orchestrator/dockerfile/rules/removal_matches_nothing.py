"""A removal whose pattern matches no artifact of the stubs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Rule, Severity
from orchestrator.dockerfile.rules.stubs import flawed, hazards
from orchestrator.dockerfile.timeline.poison import FlawKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.read import Timeline


def _check(timeline: Timeline) -> Iterator[Finding]:
    for hazard in hazards(timeline, FlawKind.NO_MATCH):
        yield flawed(RULE.id, hazard, message="this removal reaches none of the stubs' artifacts")


RULE = Rule(
    id="removal-matches-nothing",
    severity=Severity.ERROR,
    covers=("B3",),
    summary="a quoted or wrong glob, another profile's folder, a missed `lib` prefix or hash",
    check=_check,
)
