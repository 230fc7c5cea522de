"""The real sources come in with old modification times, and nothing makes cargo compile them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Rule, Severity
from orchestrator.dockerfile.rules.stubs import finding, hazards, named
from orchestrator.dockerfile.timeline.hazard import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.read import Timeline


def _check(timeline: Timeline) -> Iterator[Finding]:
    for hazard in hazards(timeline, Cause.NOTHING):
        yield finding(
            RULE.id,
            hazard,
            message=f"this build can take the stubs' artifacts for the real ones: {named(hazard)}",
            why="COPY keeps the sources' old modification times, so the artifacts that were compiled from the stubs "
            "are newer; cargo finds them fresh, compiles nothing, exits 0 and the stub ships",
        )


RULE = Rule(
    id="stub-not-invalidated",
    severity=Severity.ERROR,
    covers=("A1", "C2", "C3"),
    summary="a build behind COPY that nothing tells that the stubs' sources were replaced",
    check=_check,
)
