"""The invalidation stands in another layer, mount or order than the build needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Rule, Severity
from orchestrator.dockerfile.rules.stubs import flawed, hazards
from orchestrator.dockerfile.timeline.poison import FlawKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.read import Timeline


def _check(timeline: Timeline) -> Iterator[Finding]:
    for hazard in hazards(timeline, FlawKind.ELSEWHERE, FlawKind.TOO_EARLY):
        yield flawed(RULE.id, hazard, message="this invalidation does not reach the build that it is meant for")


RULE = Rule(
    id="invalidated-elsewhere",
    severity=Severity.ERROR,
    covers=("B7",),
    summary="a touch before COPY, or an invalidation without the build's cache mount",
    check=_check,
)
