"""`cargo clean` of a profile or target that the build does not use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Rule, Severity
from orchestrator.dockerfile.rules.stubs import flawed, hazards
from orchestrator.dockerfile.timeline.poison import FlawKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.read import Timeline


def _check(timeline: Timeline) -> Iterator[Finding]:
    for hazard in hazards(timeline, FlawKind.OTHER_PROFILE):
        yield flawed(RULE.id, hazard, message="this `cargo clean` does not clean what the build uses")


RULE = Rule(
    id="clean-other-profile",
    severity=Severity.ERROR,
    covers=("B1",),
    summary="`cargo clean -p` without the build's `--release`, `--profile` or `--target`",
    check=_check,
)
