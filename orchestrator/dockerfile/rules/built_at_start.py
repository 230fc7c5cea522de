"""The program is compiled when the container starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Rule, Severity
from orchestrator.dockerfile.run_text import command_span
from orchestrator.dockerfile.timeline.output import start_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.read import Timeline


_WHOLE = (
    "the exec form names the program by its first word alone, and is not split at blanks; split, it would build the "
    "program when the container starts"
)
_BUILT = (
    "what runs is not in the image: no check of the image can say what it will be, and cargo decides anew, by "
    "modification times, whether the stub in the target directory is fresh"
)


def _check(timeline: Timeline) -> Iterator[Finding]:
    started = start_words(timeline)
    instruction = timeline.dockerfile.instruction(started[2]) if started is not None else None
    if started is None or instruction is None:
        return
    words = " ".join(started[0]).split()
    calls = [words[n + 1] for n, word in enumerate(words[:-1]) if word.rsplit("/", 1)[-1] == "cargo"]
    whole = started[0][0] if started[0] else ""
    if " " in whole and whole.split()[0].rsplit("/", 1)[-1] == "cargo":
        # In exec form this is one word, and no program has that name.
        message, why = f"the container cannot start: there is no program called `{whole}`", _WHOLE
    elif any(call in {"run", "r", "build", "b", "watch"} for call in calls):
        message, why = "the program is built when the container starts", _BUILT
    else:
        return
    yield Finding(
        rule=RULE.id,
        severity=Severity.WARNING,
        span=command_span(timeline.source, instruction),
        message=message,
        why=why,
        repair="build it in a RUN step and start the program itself",
    )


RULE = Rule(
    id="built-at-start",
    severity=Severity.WARNING,
    covers=("F3",),
    summary="`CMD cargo run`",
    check=_check,
)
