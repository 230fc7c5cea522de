"""An invalidation that knows how cargo lays out its target directory today."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Rule, Severity
from orchestrator.dockerfile.timeline.events import Called, Removed, Touched
from orchestrator.dockerfile.timeline.files import Reach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.read import Timeline
    from orchestrator.dockerfile.timeline.stage import StageState

_INNER = re.compile(r"/(?:\.fingerprint|deps)(?:/|$)")


def _check(timeline: Timeline) -> Iterator[Finding]:
    told = {span for state in timeline.states for each in state.hazards for span in each.healed_by}
    told |= {flaw.span for state in timeline.states for each in state.hazards for flaw in each.flaws}
    for index, state in enumerate(timeline.states):
        if not state.primes:
            continue
        for number, event in enumerate(state.events):
            if not isinstance(event, Removed) or event.span in told:
                continue
            inner = any(_INNER.search(root.text) for root in event.files.roots)
            if inner and _relied_on(timeline, index, state, number):
                yield Finding(
                    rule=RULE.id,
                    severity=Severity.ERROR if _new_layout(state) else Severity.HINT,
                    span=event.span,
                    message="this invalidation knows the inner layout of cargo's target directory",
                    why="cargo's new build-dir layout has other folders; the removal then matches nothing, "
                    + _then(event),
                    repair="touch the sources instead, which asks for nothing but their modification times: "
                    "find . -path ./target -prune -o -name '*.rs' -exec touch {} +",
                )


def _then(event: Removed) -> str:
    return "says nothing, and every stub ships" if event.forced else "and fails, and the build with it"


def _new_layout(state: StageState) -> bool:
    """Return whether the builds use the new layout already."""
    return any(
        call.call.command.environment.get("CARGO_UNSTABLE_BUILD_DIR_NEW_LAYOUT") == "true"
        or any("build-dir-new-layout" in word for word in call.call.arguments)
        for call in state.calls
    )


def _relied_on(timeline: Timeline, index: int, state: StageState, number: int) -> bool:
    """Return whether a build follows, with no touch of sources before it that would do by itself."""
    based = (stage.index for stage in timeline.dockerfile.stages if stage.base_stage == index)
    later = [*state.events[number + 1 :], *(event for child in based for event in timeline.states[child].events)]
    for event in later:
        if isinstance(event, Touched) and event.backdated is not Reach.YES:
            return False
        if isinstance(event, Called) and event.call.links:
            return True
    return False


RULE = Rule(
    id="layout-bound-removal",
    severity=Severity.ERROR,
    covers=("B4",),
    summary="`rm` in `.fingerprint` or `deps`, which cargo's new layout moves",
    check=_check,
)
