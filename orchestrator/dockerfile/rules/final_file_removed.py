"""Only the finished program is removed, which cargo links back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Rule, Severity
from orchestrator.dockerfile.rules.stubs import flawed, hazards
from orchestrator.dockerfile.timeline.poison import FlawKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.read import Timeline


def _check(timeline: Timeline) -> Iterator[Finding]:
    for hazard in hazards(timeline, FlawKind.FINAL_FILE):
        yield flawed(RULE.id, hazard, message="removing the finished program alone invalidates nothing")


RULE = Rule(
    id="final-file-removed",
    severity=Severity.ERROR,
    covers=("B5",),
    summary="`rm target/release/<program>` as the only invalidation",
    check=_check,
)
