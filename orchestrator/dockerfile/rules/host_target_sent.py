"""The host's own artifacts come into the image with the context."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Rule, Severity
from orchestrator.dockerfile.run_text import word_span
from orchestrator.dockerfile.timeline.events import Arrived

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.project import BuildContext
    from orchestrator.dockerfile.timeline.read import Timeline
    from orchestrator.dockerfile.timeline.stage import StageState


def _check(timeline: Timeline) -> Iterator[Finding]:
    for state in timeline.states:
        for event in state.events:
            if not isinstance(event, Arrived) or event.origin is not None:
                continue
            instruction = event.step.instruction
            if instruction.keyword == "RUN":
                yield from _shared(state, event)
                continue
            for source in event.sources:
                found = _sent(source, timeline.context)
                if found is None:
                    continue
                folder, there = found
                yield Finding(
                    rule=RULE.id,
                    severity=Severity.WARNING if there else Severity.HINT,
                    span=word_span(timeline.source, instruction, source),
                    message=f"the context sends {folder}, the host's own artifacts"
                    if there
                    else f"nothing keeps {folder} out of the context, once there is one",
                    why="artifacts of the host can be taken as fresh in the image, or shipped as they are: built from "
                    "other sources, by another toolchain, against another C library",
                    repair=f"add `{folder}` to .dockerignore",
                )


def _shared(state: StageState, event: Arrived) -> Iterator[Finding]:
    """Yield a warning where a bind mount puts a folder of the host where cargo keeps its artifacts."""
    targets = {call.call.key.target_dir for call in state.calls}
    if event.to in targets:
        yield Finding(
            rule=RULE.id,
            severity=Severity.WARNING,
            span=event.span,
            message=f"host and container share one target directory: {event.to} is a mount of {event.sources[0]}",
            why="each takes the other's artifacts for fresh, built from other sources or by another toolchain",
            repair="leave the target directory to the layer, or to a cache mount",
        )


def _sent(source: str, context: BuildContext | None) -> tuple[str, bool] | None:
    """Return (folder, whether it is there) of a target directory that a COPY brings; None where it brings none."""
    cleaned = posixpath.normpath(source.lstrip("/") or ".")
    if cleaned.startswith(("target/release", "target/debug")):
        return "target", True
    if context is None:
        return None
    roots = [package.folder for package in context.packages]
    roots = ["."] if context.exists("Cargo.toml") else roots[:1]
    for root in roots:
        folder = posixpath.normpath(posixpath.join(root, "target"))
        brought = cleaned in {".", root} or root.startswith(cleaned + "/")
        if brought and not context.ignore.ignores(folder) and not context.ignore.ignores(f"{folder}/release"):
            return folder, context.exists(folder)
        if brought:
            return None
    return None


RULE = Rule(
    id="host-target-sent",
    severity=Severity.WARNING,
    covers=("C5", "C6"),
    summary="COPY of a folder whose `target` no .dockerignore leaves out, or of a program in it",
    check=_check,
)
