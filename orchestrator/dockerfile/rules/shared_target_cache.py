"""A target directory that outlives the build, with nothing that tells cargo which sources are new."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Rule, Severity
from orchestrator.dockerfile.timeline.events import Called, Touched
from orchestrator.dockerfile.timeline.files import Reach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.spans import Span
    from orchestrator.dockerfile.timeline.read import Timeline
    from orchestrator.dockerfile.timeline.stage import StageState


def _check(timeline: Timeline) -> Iterator[Finding]:
    told = {hazard.build.span for state in timeline.states for hazard in state.hazards}
    seen: set[Span] = set()
    for state in timeline.states:
        for event in state.events:
            if not isinstance(event, Called) or not event.call.links or event.call.key.mount is None:
                continue
            if event in state.primes or event.span in told | seen or _invalidated(state, event):
                continue
            seen.add(event.span)
            yield Finding(
                rule=RULE.id,
                severity=Severity.WARNING,
                span=event.span,
                message=f"the target directory {event.call.key.target_dir} is a cache mount, and nothing invalidates "
                "what it holds",
                why="the mount keeps artifacts of earlier sources, of other branches and of whatever else uses its id; "
                "sources and assets that come in with older modification times than those are not compiled",
                repair=f"touch the sources in this step, before cargo: find . -path ./{_target(event)} -prune -o "
                "-name '*.rs' -exec touch {} + && cargo build …   (registry and git caches are harmless)",
            )


def _invalidated(state: StageState, build: Called) -> bool:
    """Return whether the same step touches the sources, or cleans, before it builds."""
    for event in state.events:
        if event is build:
            return False
        same = getattr(event, "step", None) is build.step
        if same and isinstance(event, Called) and event.call.subcommand == "clean":
            return True
        if same and isinstance(event, Touched) and event.backdated is not Reach.YES:
            root = posixpath.join(build.call.directory, "src/main.rs")
            nested = posixpath.join(build.call.directory, "crates/member/src/lib.rs")
            if event.files.reach(root) and (event.files.reach(nested) or not event.files.recursive):
                return True
    return False


def _target(build: Called) -> str:
    return posixpath.basename(build.call.key.target_dir)


RULE = Rule(
    id="shared-target-cache",
    severity=Severity.WARNING,
    covers=("C1", "A10"),
    summary="a `target` cache mount without an invalidation in the same step",
    check=_check,
)
