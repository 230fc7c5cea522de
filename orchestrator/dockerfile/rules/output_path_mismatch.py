"""The path that is copied is not where the build puts its program."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Related, Rule, Severity
from orchestrator.dockerfile.shell.model import UNKNOWN
from orchestrator.dockerfile.timeline.events import Taken
from orchestrator.dockerfile.timeline.output import outputs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.events import Called
    from orchestrator.dockerfile.timeline.output import Output
    from orchestrator.dockerfile.timeline.read import Timeline


_PLAIN = frozenset({"rust", "debian", "ubuntu", "alpine", "cargo-chef"})
"""Last words of the names of images in which nothing but the project configures cargo."""


def _base_of(output: Output, timeline: Timeline) -> str:
    """Return the name of the image that the stage of an output stands on, without registry, owner and tag."""
    index = next(number for number, state in enumerate(timeline.states) if state is output.state)
    stage = timeline.dockerfile.stages[index]
    while stage.base_stage is not None:
        stage = timeline.dockerfile.stages[stage.base_stage]
    return posixpath.basename(stage.base.partition("@")[0]).partition(":")[0]


def _check(timeline: Timeline) -> Iterator[Finding]:
    context = timeline.context
    for output in outputs(timeline):
        real = _real(output)
        if not real or not output.sure or output.state.unreadable or _put_there(output):
            continue
        if any(not call.call.certain or UNKNOWN in call.call.key.folder for call in real):
            continue
        if any(call.call.key.folder == output.folder for call in real):
            yield from _other_profile(output, real)
            continue
        last = real[-1].call.key
        if last.target_dir != output.target_dir and _elsewhere(output, real, timeline):
            continue
        configured = output.triple is not None and last.triple is None
        if configured and (_base_of(output, timeline) not in _PLAIN or (context and context.has_cargo_config)):
            # A base may have its own cargo configuration, as those for musl do.
            continue
        primed = any(call.call.key.folder == output.folder for call in output.state.primes)
        sure = not (configured and context is None) and last.target_dir == output.target_dir
        why = (
            "there only the stubs were built, and the stub ships"
            if primed
            else "COPY fails, or takes what else lies there"
        )
        expected = posixpath.join(last.folder, output.name)
        yield Finding(
            rule=RULE.id,
            severity=Severity.ERROR if sure else Severity.WARNING,
            span=output.span,
            message=f"the build puts its program at {expected}, not at {output.path}",
            why=f"profile and `--target` choose the folder; {why}",
            repair=f"take {expected}",
            related=(Related(span=real[-1].span, text="the build"),),
        )


def _other_profile(output: Output, real: list[Called]) -> Iterator[Finding]:
    """Yield a warning where a debug program is taken although a release build stands beside it."""
    releases = [call for call in real if call.call.key.profile == "release"]
    if output.profile == "debug" and releases and not output.within:
        yield Finding(
            rule=RULE.id,
            severity=Severity.WARNING,
            span=output.span,
            message=f"{output.path} is the debug build, and a release build stands beside it",
            why="both profiles are built, each into a folder of its own: what ships is not the one that was meant to",
            repair=f"take {posixpath.join(releases[-1].call.key.folder, output.name)}, or drop the other build",
            related=(Related(span=releases[-1].span, text="the release build"),),
        )


def _real(output: Output) -> list[Called]:
    state = output.state
    calls = [call for call in state.calls if not call.call.tests and call.call.subcommand != "install"]
    real = [call for call in calls if call not in state.primes]
    return real or calls


def _elsewhere(output: Output, real: list[Called], timeline: Timeline) -> bool:
    """Return whether another target directory than assumed may be in use: a workspace's, or a configured one."""
    context, folder = timeline.context, posixpath.dirname(output.target_dir)
    inside = any(call.call.directory.startswith(folder.rstrip("/") + "/") for call in real)
    return inside or context is None or context.has_cargo_config


def _put_there(output: Output) -> bool:
    """Return whether a step moves something to the path itself."""
    return any(
        isinstance(event, Taken) and (event.to == output.path or output.path.startswith(event.to.rstrip("/") + "/"))
        for event in output.state.events
    )


RULE = Rule(
    id="output-path-mismatch",
    severity=Severity.ERROR,
    covers=("D1",),
    summary="a program taken from another profile's or target's folder than the build's",
    check=_check,
)
