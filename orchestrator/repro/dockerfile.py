"""What a Dockerfile does that makes a plain `docker build` give another program than a build on the host."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.dockerfile.timeline.events import Ran
from orchestrator.location import Location
from orchestrator.repro.advice import Advice, Edit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.dockerfile.timeline.cargo_call import CargoCall
    from orchestrator.dockerfile.timeline.read import Timeline
    from orchestrator.dockerfile.trace import BuilderPlace

_LOCKED = ("--locked", "--frozen")
_FLAG_VARIABLES = ("RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS")
_SUBCOMMAND = re.compile(r"\b(?:build|b|rustc|install|r|run)\b")


def dockerfile_advice(timeline: Timeline, builder: BuilderPlace, *, flags: Sequence[str]) -> Iterator[Advice]:
    """Yield what is found in the stages that make the program.

    Args:
        timeline: the Dockerfile's.
        builder: where the program is built.
        flags: of rustc that the project's `.cargo/config.toml` asks for.
    """
    file = timeline.dockerfile.file
    seen: set[tuple[int, int]] = set()
    for state in timeline.states:
        for called in state.calls:
            call = called.call
            place = (call.span.line, call.span.column)
            if place in seen or call.has(*_LOCKED) or not call.links:
                continue
            seen.add(place)
            yield Advice(
                cause="dependency-version",
                location=call.span.location,
                found=f"cargo {call.subcommand} may take other versions than Cargo.lock names",
                repair="add --locked",
                edit=_locked(timeline, call),
            )
    yield from _stripped(timeline)
    for name in _FLAG_VARIABLES:
        lost = [flag for flag in flags if flag not in builder.environment.get(name, "")]
        if name in builder.environment and lost:
            yield Advice(
                cause="codegen-settings",
                location=Location(file=file, line=_line_of(timeline, name)),
                found=f"{name} is set, so the flags in .cargo/config.toml do not count here: {' '.join(lost)}",
                repair=f"write these into {name} too, or take it away; cargo reads one source of flags and no other",
            )
    base = builder.stage
    while base.base_stage is not None:
        base = timeline.dockerfile.stages[base.base_stage]
    if base.base != "scratch" and "@sha256:" not in base.base:
        yield Advice(
            cause="toolchain",
            location=Location(file=file, line=base.line),
            found=f"{base.base} is another image, with other tools, as soon as one is pushed under this name",
            repair=f"FROM {base.base}@sha256:…; `invoke bases` shows what this tool pinned, `invoke lock` keeps it",
        )


def _locked(timeline: Timeline, call: CargoCall) -> Edit | None:
    """Return the edit that puts `--locked` behind the subcommand; None where the text is not as it is run."""
    source = timeline.source
    if call.span.file != source.file or not call.certain:
        return None
    word = next((word for word in call.command.words if word.text == call.subcommand), None)
    if word is None or word.quoted or not _SUBCOMMAND.fullmatch(word.text):
        return None
    start = source.offset(word.span.line, word.span.column)
    before = len(source.content[:start].decode("utf-8", "surrogatepass"))
    if source.text[before : before + len(word.text)] != word.text:
        return None
    if source.text[before - 1 : before] == '"':
        return None  # an exec form: the words stand in quotes of their own
    end = before + len(word.text)
    return Edit(file=source.file, start=end, end=end, text=" --locked")


def _stripped(timeline: Timeline) -> Iterator[Advice]:
    for state in timeline.states:
        for event in state.events:
            if isinstance(event, Ran) and event.command.name in {"strip", "llvm-strip", "objcopy"}:
                yield Advice(
                    cause="stripped",
                    location=event.command.span.location,
                    found=f"`{event.command.name}` changes the program after the build",
                    repair="let cargo do it on both sides: `strip = true` under `[profile.release]` in Cargo.toml",
                )


def _line_of(timeline: Timeline, variable: str) -> int | None:
    lines = [
        placed.instruction.line
        for places in timeline.places
        for placed in places
        if placed.instruction.keyword in {"ENV", "ARG"} and variable in " ".join(placed.instruction.values)
    ]
    return lines[-1] if lines else None
