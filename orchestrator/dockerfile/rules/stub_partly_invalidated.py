"""Some sources are touched, or some artifacts removed, and others stay stubs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Rule, Severity
from orchestrator.dockerfile.rules.stubs import finding, hazards, named
from orchestrator.dockerfile.timeline.hazard import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.hazard import Hazard
    from orchestrator.dockerfile.timeline.read import Timeline


def _check(timeline: Timeline) -> Iterator[Finding]:
    for hazard in hazards(timeline, Cause.PARTLY):
        yield finding(
            RULE.id,
            hazard,
            message=f"only a part of the stubs is invalidated; left as a stub: {named(hazard)}",
            why=_why(hazard),
        )


def _why(hazard: Hazard) -> str:
    kinds = {left.unit.kind for left in hazard.left}
    folders = {left.unit.folder for left in hazard.left}
    what = []
    if "lib" in kinds:
        what.append("the real program is linked against the stub library")
    if kinds & {"main", "bin"}:
        what.append("a program that was compiled from a stub stays in the target directory as it is")
    if "build" in kinds:
        what.append("the stub build script's output is used again, so what it should set (`rustc-env`) is missing")
    if folders - {hazard.build.call.directory}:
        what.append("each crate has artifacts of its own, and touching one says nothing of the others")
    return "; ".join(what) + "; cargo exits 0"


RULE = Rule(
    id="stub-partly-invalidated",
    severity=Severity.ERROR,
    covers=("A2", "A3", "A4", "A8", "B3"),
    summary="an invalidation that leaves a library, a member, another program or build.rs a stub",
    check=_check,
)
