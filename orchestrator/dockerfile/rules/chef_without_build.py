"""`cargo chef cook` alone: it compiles dependencies, and never the program."""

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
        if state.cooked and not state.calls and not state.unreadable and output.name:
            yield Finding(
                rule=RULE.id,
                severity=Severity.ERROR,
                span=output.span,
                message=f"{output.name} comes from a stage that only cooks",
                why="`cargo chef cook` compiles dependencies against stubs; no cargo build of the real sources follows "
                "in that stage, so a program found there is a stub (version 0.0.1)",
                repair="add `COPY . .` and `RUN cargo build --release` behind the cook, and copy from there",
                related=(Related(span=state.cooked[-1].span, text="cooks"),),
            )


RULE = Rule(
    id="chef-without-build",
    severity=Severity.ERROR,
    covers=("A11",),
    summary="a program copied from a cargo-chef stage that never builds the real sources",
    check=_check,
)
