"""A removal by name that mixes up hyphen and underscore."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Rule, Severity
from orchestrator.dockerfile.rules.stubs import flawed, hazards
from orchestrator.dockerfile.timeline.poison import FlawKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.read import Timeline


def _check(timeline: Timeline) -> Iterator[Finding]:
    for hazard in hazards(timeline, FlawKind.NAME):
        yield flawed(RULE.id, hazard, message="this removal has the crate's name in the wrong form")


RULE = Rule(
    id="crate-name-mixup",
    severity=Severity.ERROR,
    covers=("B2",),
    summary="a removal in `deps` with hyphens, or in `.fingerprint` with underscores",
    check=_check,
)
