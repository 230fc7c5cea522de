"""The stub's source is never replaced, and the program that is taken is built from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.orphaned_stub import orphan
from orchestrator.dockerfile.rules.rule import Finding, Related, Rule, Severity
from orchestrator.dockerfile.timeline.output import outputs
from orchestrator.dockerfile.timeline.poison import guessed_unit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.output import Output
    from orchestrator.dockerfile.timeline.poison import Poison
    from orchestrator.dockerfile.timeline.read import Timeline


def _check(timeline: Timeline) -> Iterator[Finding]:
    for output in outputs(timeline):
        poison = next((each for each in output.state.poisons if _is_of(output, each)), None)
        if poison is None or output.example or orphan(timeline, output) is not None:
            continue
        sure = poison.sure and not output.state.unreadable and not output.state.edits
        yield Finding(
            rule=RULE.id,
            severity=Severity.ERROR if sure else Severity.WARNING,
            span=output.span,
            message=f"{output.name} is built from the stub {poison.path}, which no COPY replaces",
            why="COPY adds files and removes none; where it brings no file of that path, the stub stays the source of "
            "this program, and it compiles without an error",
            repair="copy the real source onto the stub's path, or remove the stub before the real build",
            related=(
                Related(span=poison.written, text="writes the stub"),
                Related(span=poison.call.span, text="compiles it"),
            ),
        )


def _is_of(output: Output, poison: Poison) -> bool:
    if poison.replaced is not None or poison.evicted or poison.call.key.mount is not None or not poison.plain:
        return False
    if poison.call.key.folder != output.folder or not output.name:
        return False
    unit = guessed_unit(poison.path)
    if unit is None or unit.kind not in {"main", "bin"}:
        return False
    if unit.kind == "bin":
        return unit.name == output.name
    mains = [each for each in output.state.poisons if (other := guessed_unit(each.path)) and other.kind == "main"]
    named = {other.name for each in output.state.poisons if (other := guessed_unit(each.path)) and other.kind == "bin"}
    context = output.state.context
    owner = None
    if context is not None:
        owner = next((p for p in context.packages if any(t.name == output.name for t in p.of_kind("bin"))), None)
        if owner is not None and not any(
            t.name == output.name and t.path.endswith("src/main.rs") for t in owner.targets
        ):
            return False
    # One stub of a program and one program that is taken: they belong together.
    return len(mains) == 1 and output.name not in named


RULE = Rule(
    id="stub-left-behind",
    severity=Severity.ERROR,
    covers=("A7",),
    summary="a stub source that no COPY replaces, and the program that is built from it ships",
    check=_check,
)
