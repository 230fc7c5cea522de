"""The program that is copied has a name that no crate of the project builds, or goes by another one's name."""

from __future__ import annotations

import difflib
import posixpath
from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.orphaned_stub import orphan
from orchestrator.dockerfile.rules.rule import Finding, Rule, Severity
from orchestrator.dockerfile.timeline.output import outputs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.output import Output
    from orchestrator.dockerfile.timeline.read import Timeline


def _neighbour(output: Output, timeline: Timeline) -> Iterator[Finding]:
    """Yield a warning where one program of the project goes by the name of another."""
    packages = timeline.context.packages if timeline.context else ()
    programs = {target.name for package in packages for target in package.of_kind("bin")}
    goes_by = posixpath.basename(output.to)
    example = output.example and output.name in programs
    swapped = output.name in programs and goes_by in programs and goes_by != output.name
    moved = output.example and goes_by in programs
    if not (example or moved or (swapped and not output.example and not output.within)):
        return
    example = example or moved
    what = (
        f"the example {output.name} where the program {goes_by} is expected"
        if example
        else (f"{output.name}, and puts it where {goes_by} is expected")
    )
    yield Finding(
        rule=RULE.id,
        severity=Severity.WARNING,
        span=output.span,
        message=f"this takes {what}",
        why="both are built from these sources, so nothing fails: it is the wrong program that runs",
        repair=f"take {posixpath.join(output.folder, goes_by if goes_by in programs else output.name)}",
    )


def _check(timeline: Timeline) -> Iterator[Finding]:
    context = timeline.context
    if context is None or not context.packages:
        return
    names = {
        target.name for package in context.packages for target in package.targets if target.kind in {"bin", "example"}
    }
    files = {f"lib{package.name.replace('-', '_')}" for package in context.packages}
    for output in outputs(timeline):
        stem = output.name.partition(".")[0]
        yield from _neighbour(output, timeline)
        built_here = any(arrived.origin is None for arrived in output.state.arrivals)
        if not names or not stem or stem in names | files or not built_here or not output.state.calls:
            continue
        if (
            "." in output.name
            or output.example
            or orphan(timeline, output) is not None
            or output.state.edits
            or output.state.unreadable
        ):
            continue
        close = difflib.get_close_matches(output.name, names, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        yield Finding(
            rule=RULE.id,
            severity=Severity.ERROR,
            span=output.span,
            message=f"no crate of the project builds a program {output.name!r}{hint}",
            why="COPY fails, or takes an older file of that name that a cache kept. Programs have the name of their "
            "target: the package's as the manifest has it, or that of `[[bin]]`",
            repair=f"one of: {', '.join(sorted(names))}",
        )


RULE = Rule(
    id="wrong-program-name",
    severity=Severity.ERROR,
    covers=("D2", "D6"),
    summary="a copied program whose name no target has, or that is another one's (needs the project)",
    check=_check,
)
