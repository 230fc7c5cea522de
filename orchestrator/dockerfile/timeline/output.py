"""What is taken out of a target directory: by COPY --from, or by `cp` and the like in a RUN step."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.dockerfile.run_text import word_span
from orchestrator.dockerfile.shell.model import UNKNOWN
from orchestrator.dockerfile.timeline.events import Arrived, Taken
from orchestrator.dockerfile.words import expand, unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.spans import Span
    from orchestrator.dockerfile.timeline.events import Step
    from orchestrator.dockerfile.timeline.read import Timeline
    from orchestrator.dockerfile.timeline.stage import StageState

_TARGET = re.compile(r"(?P<dir>.*?/(?:target|[\w.-]*target[\w.-]*))/(?P<rest>.+)")
_PROFILES = frozenset({"release", "debug"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A path in a target directory that is taken from there.

    Attributes:
        state: of the stage that it is taken from, at its end.
        path: absolute.
        target_dir, triple, profile: as the path has them; profile None where the path ends before it.
        name: of the file; empty for a folder.
        example: whether it lies in `examples`.
        to: where it goes.
        span: of the path, where it is written.
        step: of the instruction.
        within: whether it is taken by a RUN step of the stage itself.
        sure: whether it surely is: not behind a condition.
    """

    state: StageState
    path: str
    target_dir: str
    triple: str | None
    profile: str | None
    name: str
    example: bool
    to: str
    span: Span
    step: Step
    within: bool
    sure: bool

    @property
    def folder(self) -> str:
        """Return the folder that the file lies in."""
        return posixpath.join(self.target_dir, *(part for part in (self.triple, self.profile) if part))


def outputs(timeline: Timeline) -> Iterator[Output]:
    """Yield everything that is taken out of a target directory."""
    for index, state in enumerate(timeline.states):
        for event in state.events:
            if isinstance(event, Taken):
                found = _output(event.path, state, to=event.to, span=event.span, step=event.step, taken=event)
                if found is not None:
                    yield found
            elif isinstance(event, Arrived) and event.origin is not None and event.sources:
                yield from _copied(timeline, event, index)


def _copied(timeline: Timeline, event: Arrived, index: int) -> Iterator[Output]:
    other = timeline.dockerfile.stage_of(event.origin or "", before=index)
    instruction = event.step.instruction
    if other is None:
        return
    for written, source in zip(instruction.values[:-1], event.sources, strict=False):
        span = word_span(timeline.source, instruction, written)
        path = posixpath.normpath("/" + source.lstrip("/"))
        found = _output(path, timeline.states[other.index], to=event.to, span=span, step=event.step, taken=None)
        if found is not None:
            yield found


def _output(path: str, state: StageState, *, to: str, span: Span, step: Step, taken: Taken | None) -> Output | None:
    if UNKNOWN in path or re.search(r"[*?\[]", path):
        return None
    known = {call.call.key.target_dir for call in state.calls}
    target_dir = next((each for each in sorted(known, key=len, reverse=True) if path.startswith(each + "/")), None)
    match = _TARGET.fullmatch(path)
    if target_dir is None and match is None:
        return None
    if target_dir is None and match is not None:
        target_dir = match["dir"]
    parts = path[len(target_dir or "") + 1 :].split("/")
    profiles = _PROFILES | {call.call.key.profile for call in state.calls}
    place = next((number for number, part in enumerate(parts[:2]) if part in profiles), None)
    example = place is not None and parts[place + 1 : place + 2] == ["examples"] and len(parts) == place + 3
    if place is None or (len(parts) > place + 2 and not example):
        return None
    return Output(
        state=state,
        path=path,
        target_dir=target_dir or "",
        triple=parts[0] if place else None,
        profile=parts[place],
        name=parts[-1] if len(parts) > place + 1 else "",
        example=example,
        to=to,
        span=span,
        step=step,
        within=taken is not None,
        sure=taken is None or taken.sure,
    )


def start_words(timeline: Timeline) -> tuple[tuple[str, ...], bool, int] | None:
    """Return (words, whether in exec form, line) of what the last stage starts: ENTRYPOINT, else CMD."""
    found: dict[str, tuple[tuple[str, ...], bool, int]] = {}
    for placed in timeline.places[-1]:
        instruction = placed.instruction
        if instruction.keyword in {"ENTRYPOINT", "CMD"}:
            words = instruction.values
            if not instruction.json:
                words = tuple(" ".join(words).split())
            words = tuple(expand(unquote(word), placed.environment) for word in words)
            found[instruction.keyword] = words, instruction.json, instruction.line
    return found.get("ENTRYPOINT") or found.get("CMD")
