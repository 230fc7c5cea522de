"""A COPY of one file onto what is meant as a folder."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Rule, Severity
from orchestrator.dockerfile.run_text import word_span
from orchestrator.dockerfile.timeline.events import Arrived, Ran
from orchestrator.dockerfile.timeline.output import start_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.read import Timeline

_STANDARD = frozenset(
    {"/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin", "/opt", "/usr/local/lib", "/etc", "/root"}
)


def _check(timeline: Timeline) -> Iterator[Finding]:
    started = start_words(timeline)
    program = started[0][0] if started and started[0] else ""
    bare = _from_scratch(timeline)
    known = _folders(timeline)
    twice = _twice(timeline)
    for event in timeline.states[-1].events:
        instruction = event.step.instruction
        if not isinstance(event, Arrived) or instruction.keyword != "COPY" or event.folder:
            continue
        source, to = event.sources[0] if event.sources else "", event.to
        single = len(event.sources) == 1 and not any(character in source for character in "*?[")
        if not single or instruction.heredocs or source.endswith(("/", "/.")) or source == ".":
            continue
        meant = program.startswith(to.rstrip("/") + "/") and posixpath.basename(source) == posixpath.basename(program)
        standard = to in _STANDARD and not bare
        overwrites = twice.get(to) is event and not standard
        if to in known or not (meant or overwrites or to in _STANDARD):
            continue
        yield Finding(
            rule=RULE.id,
            severity=Severity.HINT if standard else Severity.ERROR,
            span=word_span(timeline.source, instruction, instruction.values[-1], last=True),
            message=f"{to} is meant as a folder and has no slash at its end",
            why=_why(to, program, standard=standard, overwrites=overwrites),
            repair=f"write {to.rstrip('/')}/",
        )


def _why(to: str, program: str, *, standard: bool, overwrites: bool) -> str:
    if standard:
        return "where a base has no such folder, the file itself gets that name"
    if overwrites:
        return f"the file itself is called {to}, and this COPY overwrites the program of an earlier one"
    return f"there is no such folder, so the file itself is called {to}, and {program} is not found"


def _twice(timeline: Timeline) -> dict[str, Arrived]:
    """Return the last of several programs that are copied to one and the same path."""
    names: dict[str, set[str]] = {}
    last: dict[str, Arrived] = {}
    for event in timeline.states[-1].events:
        if not isinstance(event, Arrived) or len(event.sources) != 1 or event.folder:
            continue
        if re.search(r"/(?:release|debug)/[^/]+$", event.sources[0]):
            names.setdefault(event.to, set()).add(posixpath.basename(event.sources[0]))
            last[event.to] = event
    return {to: last[to] for to, found in names.items() if len(found) > 1}


def _from_scratch(timeline: Timeline) -> bool:
    stage = timeline.dockerfile.stages[-1]
    while stage.base_stage is not None:
        stage = timeline.dockerfile.stages[stage.base_stage]
    return stage.base == "scratch"


def _folders(timeline: Timeline) -> set[str]:
    """Return folders that the last stage surely has."""
    found = {placed.directory for placed in timeline.places[-1]}
    for event in timeline.states[-1].events:
        if isinstance(event, Ran) and event.command.name in {"mkdir", "install"}:
            found |= {
                posixpath.normpath(posixpath.join(event.directory, word.text)) for word in event.command.arguments
            }
        elif isinstance(event, Arrived) and event.folder:
            found.add(event.to)
        elif isinstance(event, Arrived):
            found.add(posixpath.dirname(event.to))
    return {folder for each in found for folder in (each, posixpath.dirname(each))}


RULE = Rule(
    id="copy-without-slash",
    severity=Severity.ERROR,
    covers=("D3",),
    summary="COPY of one file to a path that is meant as a folder, without the slash that says so",
    check=_check,
)
