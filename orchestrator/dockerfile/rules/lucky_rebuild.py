"""Cargo compiles the real sources, for a reason that has nothing to do with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Rule, Severity
from orchestrator.dockerfile.rules.stubs import finding, hazards
from orchestrator.dockerfile.timeline.hazard import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.read import Timeline


def _check(timeline: Timeline) -> Iterator[Finding]:
    for hazard in hazards(timeline, Cause.LUCKY):
        yield finding(
            RULE.id,
            hazard,
            message="this build is right by luck: nothing invalidates the stubs",
            why=f"{hazard.luck}. A tidy-up of the stubs (one for each target) arms the trap",
            severity=Severity.WARNING,
        )


RULE = Rule(
    id="lucky-rebuild",
    severity=Severity.WARNING,
    covers=("B9",),
    summary="a build that is right only because a stub is missing, or because of a careless build.rs",
    check=_check,
)
