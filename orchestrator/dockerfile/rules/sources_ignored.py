"""`.dockerignore` keeps out what the build needs."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Rule, Severity
from orchestrator.dockerfile.run_text import word_span
from orchestrator.dockerfile.timeline.events import Arrived
from orchestrator.dockerfile.timeline.output import outputs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.project import BuildContext
    from orchestrator.dockerfile.timeline.read import Timeline


def _check(timeline: Timeline) -> Iterator[Finding]:
    context = timeline.context
    if context is None or context.ignore_file is None:
        return
    shipped = {output.name for output in outputs(timeline) if output.name}
    seen = set()
    for state in timeline.states:
        for event in state.events:
            instruction = event.step.instruction
            if not isinstance(event, Arrived) or event.origin is not None or instruction.keyword == "RUN":
                continue
            for source in event.sources:
                hidden = [path for path in _hidden(source, context) if _matters(path, context, shipped)]
                if hidden and hidden[0] not in seen:
                    seen.add(hidden[0])
                    more = f" and {len(hidden) - 1} more" if len(hidden) > 1 else ""
                    yield Finding(
                        rule=RULE.id,
                        severity=Severity.ERROR,
                        span=word_span(timeline.source, instruction, source),
                        message=f"{context.ignore_file.name} keeps {hidden[0]}{more} out of the context",
                        why="COPY does not bring it: where a stub of the same path stands, the stub stays and "
                        "compiles; otherwise the build fails, or builds without it",
                        repair=f"take it back with a line `!{hidden[0]}` in {context.ignore_file.name}",
                    )


def _matters(path: str, context: BuildContext, shipped: set[str]) -> bool:
    """Return whether a source belongs to a program that ships, or to a crate that one depends on."""
    package = context.package_of(path)
    programs = [each for each in context.packages if any(target.name in shipped for target in each.of_kind("bin"))]
    if package is None or not programs:
        return True
    folders, waiting = set(), [each.folder for each in programs]
    by_folder = {each.folder: each for each in context.packages}
    while waiting:
        folder = waiting.pop()
        if folder in by_folder and folder not in folders:
            folders.add(folder)
            waiting += [*by_folder[folder].depends, *by_folder[folder].tests_with]
    other = any(target.path == path and target.name not in shipped for target in package.of_kind("bin"))
    return package.folder in folders and not other


def _hidden(source: str, context: BuildContext) -> list[str]:
    cleaned = posixpath.normpath(source.lstrip("/") or ".")
    if re.search(r"[*?\[$]", cleaned):
        return []
    if (
        cleaned != "."
        and context.ignore.ignores(cleaned)
        and context.exists(cleaned)
        and not context.is_folder(cleaned)
    ):
        return [cleaned]
    below = [path for path in context.sources if cleaned == "." or path.startswith(cleaned + "/")]
    return [path for path in below if context.ignore.ignores(path)]


RULE = Rule(
    id="sources-ignored",
    severity=Severity.ERROR,
    covers=("E9",),
    summary="a source or manifest that .dockerignore leaves out of the context (needs the context)",
    check=_check,
)
