"""The program is compiled when the container starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Rule, Severity
from orchestrator.dockerfile.run_text import command_span
from orchestrator.dockerfile.timeline.output import start_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.read import Timeline


def _check(timeline: Timeline) -> Iterator[Finding]:
    started = start_words(timeline)
    if started is None:
        return
    words = " ".join(started[0]).split()
    instruction = timeline.dockerfile.instruction(started[2])
    calls = [words[n + 1] for n, word in enumerate(words[:-1]) if word.rsplit("/", 1)[-1] == "cargo"]
    if instruction is not None and any(call in {"run", "r", "build", "b", "watch"} for call in calls):
        yield Finding(
            rule=RULE.id,
            severity=Severity.WARNING,
            span=command_span(timeline.source, instruction),
            message="the program is built when the container starts",
            why="what runs is not in the image: no check of the image can say what it will be, and cargo decides anew, "
            "by modification times, whether the stub in the target directory is fresh",
            repair="build it in a RUN step and start the program itself",
        )


RULE = Rule(
    id="built-at-start",
    severity=Severity.WARNING,
    covers=("F3",),
    summary="`CMD cargo run`",
    check=_check,
)
