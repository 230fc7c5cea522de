"""The invalidation that is missing, written into the Dockerfile: right without this tool too."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.stubs import invalidation
from orchestrator.dockerfile.timeline.hazard import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.model import Instruction
    from orchestrator.dockerfile.spans import SourceText, Span
    from orchestrator.dockerfile.timeline.hazard import Hazard
    from orchestrator.dockerfile.timeline.read import Timeline

_INDENT = "    "


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """A file with its builds repaired. `lines`: of the builds; `file`: its name for people."""

    file: str
    before: str
    after: str
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrepaired:
    """A build that is left to a person, and why."""

    span: Span
    reason: str


def repair(timeline: Timeline) -> tuple[tuple[Repaired, ...], tuple[Unrepaired, ...]]:
    """Return the files with an invalidation right before each build that would take stubs as fresh.

    Only where that is certain. Nothing else in a file changes; what was tried in vain stays as it is.
    """
    edits: dict[str, dict[tuple[int, int], str]] = {}
    lines: dict[str, list[int]] = {}
    left: dict[Span, Unrepaired] = {}
    sources = {timeline.source.file: timeline.source, **timeline.scripts}
    for hazard in _certain(timeline):
        source, span = sources[hazard.build.span.file], hazard.build.span
        reason = _in_the_way(hazard)
        if reason is not None:
            left[span] = Unrepaired(span=span, reason=reason)
            continue
        start, end, text = _edit(timeline, source, hazard)
        edits.setdefault(source.file, {})[start, end] = text
        if span.line not in lines.setdefault(source.file, []):
            lines[source.file].append(span.line)
    repaired = []
    for file, changes in edits.items():
        content = sources[file].content
        for (start, end), text in sorted(changes.items(), reverse=True):
            content = content[:start] + text.encode() + content[end:]
        after = content.decode("utf-8", "surrogatepass")
        repaired.append(Repaired(file=file, before=sources[file].text, after=after, lines=tuple(sorted(lines[file]))))
    return tuple(repaired), tuple(left.values())


def _certain(timeline: Timeline) -> Iterator[Hazard]:
    for state in timeline.states:
        for hazard in state.hazards:
            if hazard.sure and hazard.cause is not Cause.LUCKY:
                yield hazard


def _in_the_way(hazard: Hazard) -> str | None:
    """Return why a command cannot be put before a build, or None."""
    command = hazard.build.call.command
    if command.stdin is not None:
        return "the build reads another command's output"
    if command.swallowed is not None and command.swallowed.startswith("`!`"):
        return "the build's exit code is turned round"
    if any(left.unit.kind not in {"main", "bin", "lib", "build"} for left in hazard.left):
        return "what stays a stub is no Rust source"
    return None


def _edit(timeline: Timeline, source: SourceText, hazard: Hazard) -> tuple[int, int, str]:
    """Return (start, end, new text) in bytes."""
    command, touch = hazard.build.call.command, invalidation(hazard)
    start = source.offset(command.span.line, command.span.column)
    line_start = source.line_start(command.span.line)
    before = source.content[line_start:start].decode("utf-8", "replace")
    instruction = hazard.build.step.instruction
    if source is not timeline.source:
        return start, start, _on_a_line_of_its_own(before, touch)
    if instruction.json:
        return _from_json(timeline, instruction, hazard, start, touch)
    if instruction.heredocs and instruction.line != command.span.line:
        return start, start, _on_a_line_of_its_own(before, touch)
    indent = re.match(r"[ \t]*", before)
    indentation = indent[0] if indent and indent[0] else _INDENT
    return start, start, f"{touch} {timeline.dockerfile.escape}\n{indentation}&& "


def _on_a_line_of_its_own(before: str, touch: str) -> str:
    return f"{touch}\n{before}" if not before.strip() else f"{touch} && "


def _from_json(
    timeline: Timeline, instruction: Instruction, hazard: Hazard, start: int, touch: str
) -> tuple[int, int, str]:
    """Return the edit of an exec form: one that hands a script to a shell keeps its form, any other loses it."""
    source, words = timeline.source, instruction.values
    if hazard.build.call.command.words[0].text != words[0]:
        return start, start, f"{touch} && "
    first = source.content.index(b"[", source.line_start(instruction.line))
    last = source.content.rindex(b"]", first, source.line_start(instruction.last_line + 1)) + 1
    return first, last, f"{touch} {timeline.dockerfile.escape}\n{_INDENT}&& {shlex.join(words)}"
