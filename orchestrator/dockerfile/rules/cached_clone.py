"""Sources that a cached layer keeps as they were on the day of its first build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Rule, Severity
from orchestrator.dockerfile.timeline.events import Called, Cloned, Ran

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.read import Timeline
    from orchestrator.dockerfile.timeline.stage import StageState


def _check(timeline: Timeline) -> Iterator[Finding]:
    for state in timeline.states:
        for number, event in enumerate(state.events):
            if (
                isinstance(event, Cloned)
                and not event.pinned
                and _built(timeline, state, number)
                and not _checked_out(state, number)
            ):
                yield Finding(
                    rule=RULE.id,
                    severity=Severity.WARNING,
                    span=event.span,
                    message="this clone names no commit, tag or build argument",
                    why="the layer's cache key is the command's text, which never changes: the sources stay those of "
                    "the first build, and what ships is stale",
                    repair="check out a commit that a build argument names (ARG COMMIT, git checkout $COMMIT), or "
                    "COPY the sources from the context",
                )


def _built(timeline: Timeline, state: StageState, number: int) -> bool:
    later = any(isinstance(event, Called) and event.call.links for event in state.events[number + 1 :])
    return later or any(
        isinstance(event, Called) and event.call.links
        for stage, other in zip(timeline.dockerfile.stages, timeline.states, strict=True)
        if stage.base_stage is not None and timeline.states[stage.base_stage] is state
        for event in other.events
    )


def _checked_out(state: StageState, number: int) -> bool:
    for event in state.events[number + 1 :]:
        if isinstance(event, Ran) and event.command.name == "git":
            words = [word.text for word in event.command.arguments]
            if {"checkout", "reset", "switch"} & set(words):
                return True
    return False


RULE = Rule(
    id="cached-clone",
    severity=Severity.WARNING,
    covers=("C4",),
    summary="`RUN git clone` of a branch before a build",
    check=_check,
)
