"""Findings about builds that leave stubs in place: each rule takes those with its own cause."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Related, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.hazard import Cause, Hazard
    from orchestrator.dockerfile.timeline.poison import FlawKind
    from orchestrator.dockerfile.timeline.read import Timeline

_MOST_NAMED = 4


def hazards(timeline: Timeline, *causes: Cause | FlawKind) -> Iterator[Hazard]:
    """Yield the builds that leave stubs in place for one of these causes, each place once."""
    seen = set()
    for state in timeline.states:
        for hazard in state.hazards:
            if hazard.cause in causes and (hazard.build.span, hazard.cause) not in seen:
                seen.add((hazard.build.span, hazard.cause))
                yield hazard


def finding(rule: str, hazard: Hazard, *, message: str, why: str, severity: Severity | None = None) -> Finding:
    """Return a finding on a build; an uncertain one is a warning."""
    sure = Severity.ERROR if hazard.sure else Severity.WARNING
    flaws = [Related(span=flaw.span, text=f"does nothing here: {flaw.text}") for flaw in hazard.flaws]
    healed = [Related(span=span, text="invalidates the others") for span in hazard.healed_by]
    stubs = {left.written: Related(span=left.written, text=f"writes the stub of {left.path}") for left in hazard.left}
    return Finding(
        rule=rule,
        severity=severity or sure,
        span=hazard.build.span,
        message=message,
        why=why,
        repair=repair(hazard),
        related=(*flaws, *healed, *list(stubs.values())[:_MOST_NAMED]),
    )


def flawed(rule: str, hazard: Hazard, *, message: str) -> Finding:
    """Return a finding on the invalidation that does nothing, placed there."""
    flaw = hazard.flaws[0]
    build = Related(span=hazard.build.span, text="the build that takes the stubs' artifacts as fresh")
    return Finding(
        rule=rule,
        severity=Severity.ERROR if hazard.sure else Severity.WARNING,
        span=flaw.span,
        message=message,
        why=f"{flaw.text}; so the build on line {hazard.build.span.line} finds the artifacts of {named(hazard)} "
        "fresh, exits 0 and ships the stub",
        repair=repair(hazard),
        related=(build,),
    )


def named(hazard: Hazard) -> str:
    """Return what stays a stub, for people."""
    directory = hazard.build.call.directory
    shown = [f"{left.described.split()[0]} {_short(left.path, directory)}" for left in hazard.left]
    more = f" and {len(shown) - _MOST_NAMED} more" if len(shown) > _MOST_NAMED else ""
    return ", ".join(shown[:_MOST_NAMED]) + more


def repair(hazard: Hazard) -> str:
    """Return the one invalidation that reaches every local crate."""
    text = (
        f"touch every source of every local crate in the same RUN step, right before the build: {invalidation(hazard)}"
    )
    return text + " && cargo build …   (`invoke lint --fix` writes it)"


def invalidation(hazard: Hazard) -> str:
    """Return the command that makes cargo compile every local crate: all sources but the target's get a new time."""
    directory, key = hazard.build.call.directory, hazard.build.call.key
    outside = [left.path for left in hazard.left if not left.path.startswith(directory.rstrip("/") + "/")]
    if directory == "/" or outside:
        # A walk over `/` would take the whole root file system.
        tops = {posixpath.dirname(left.path) if left.unit.kind == "build" else left.unit.folder for left in hazard.left}
        sources = {f"{top.rstrip('/')}/src" if top == "/" else top for top in tops}
        return f"find {' '.join(sorted(sources))} -path '*/target' -prune -o -name '*.rs' -exec touch {{}} +"
    own = hazard.build.call.command.directory
    root = "." if own in {".", ""} or directory.endswith("/" + own) else directory
    target = posixpath.relpath(key.target_dir, directory) if key.target_dir.startswith(directory + "/") else None
    pruned = f"-path {root.rstrip('/')}/{target} -prune -o " if target else ""
    return f"find {root} {pruned}-name '*.rs' -exec touch {{}} +"


def _short(path: str, directory: str) -> str:
    prefix = directory.rstrip("/") + "/"
    return path.removeprefix(prefix)
