"""`cargo chef cook` behind the COPY of the sources: it writes its placeholders over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Related, Rule, Severity
from orchestrator.dockerfile.timeline.output import outputs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.read import Timeline


def _check(timeline: Timeline) -> Iterator[Finding]:
    for output in outputs(timeline):
        state = output.state
        if not state.cooked_over or not state.calls or not output.name:
            continue
        path, (cook, arrived) = next(iter(state.cooked_over.items()))
        # A script that nobody can read may bring the sources back.
        certain = cook.call.certain and cook.call.command.sure and not state.unreadable
        yield Finding(
            rule=RULE.id,
            severity=Severity.ERROR if certain else Severity.WARNING,
            span=cook.span,
            message=f"`cargo chef cook` writes a placeholder over {path}, which was copied in before",
            why="cook lays out the whole project anew, with placeholders for its sources; what lay there is gone, so "
            "the build behind it compiles the placeholder without an error",
            repair="move that COPY behind the cook: only the recipe has to be there before it",
            related=(Related(span=arrived.span, text="copies the sources in"),),
        )


RULE = Rule(
    id="cook-over-sources",
    severity=Severity.ERROR,
    covers=("A11",),
    summary="`cargo chef cook` behind the COPY of the sources writes its placeholders over them",
    check=_check,
)
