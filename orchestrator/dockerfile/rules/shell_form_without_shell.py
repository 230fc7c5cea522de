"""A shell's command line in an image that has no shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Rule, Severity
from orchestrator.dockerfile.run_text import command_span
from orchestrator.dockerfile.timeline.events import Arrived

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.model import Stage
    from orchestrator.dockerfile.timeline.read import Timeline

_SHELL_PLACES = ("/", "/bin", "/usr", "/usr/bin", "/bin/sh", "/busybox")


def _check(timeline: Timeline) -> Iterator[Finding]:
    stage, state = timeline.dockerfile.stages[-1], timeline.states[-1]
    base = _base(timeline, stage)
    if not _without_shell(base) or any(
        isinstance(event, Arrived) and event.origin is not None and event.to in _SHELL_PLACES
        for event in state.arrivals
    ):
        return
    if any(isinstance(event, Arrived) and event.to.startswith("/bin/") for event in state.arrivals):
        return
    if any(placed.instruction.keyword == "ADD" for placed in timeline.places[-1]):
        return
    for instruction in stage.instructions:
        if instruction.keyword in {"CMD", "ENTRYPOINT", "RUN"} and not instruction.json and instruction.values:
            yield Finding(
                rule=RULE.id,
                severity=Severity.ERROR,
                span=command_span(timeline.source, instruction),
                message=f"{instruction.keyword} in shell form, and {base} has no shell",
                why="the shell form runs `/bin/sh -c`, which is not there: the container cannot start"
                if instruction.keyword != "RUN"
                else "the shell form runs `/bin/sh -c`, which is not there: the step fails",
                repair=f'write the exec form: {instruction.keyword} ["/program", "argument"]',
            )


def _base(timeline: Timeline, stage: Stage) -> str:
    while stage.base_stage is not None:
        stage = timeline.dockerfile.stages[stage.base_stage]
    return stage.base


def _without_shell(base: str) -> bool:
    return base == "scratch" or ("gcr.io/distroless/" in base and "debug" not in base)


RULE = Rule(
    id="shell-form-without-shell",
    severity=Severity.ERROR,
    covers=("E8",),
    summary="shell-form CMD, ENTRYPOINT or RUN on scratch or distroless",
    check=_check,
)
