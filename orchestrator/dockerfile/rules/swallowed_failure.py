"""A failing build that the step does not report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Rule, Severity
from orchestrator.dockerfile.timeline.events import Called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.read import Timeline


def _check(timeline: Timeline) -> Iterator[Finding]:
    seen = set()
    for state in timeline.states:
        for event in state.events:
            if not isinstance(event, Called) or not event.call.links or event in state.primes or event.call.tests:
                continue
            hidden = event.call.command.swallowed
            if hidden is None or hidden.startswith("it is a condition") or event.span in seen:
                continue
            seen.add(event.span)
            armed = bool(state.primes)
            ships = (
                "the stub's artifact, which is still there, ships" if armed else "whatever an earlier build left ships"
            )
            yield Finding(
                rule=RULE.id,
                severity=Severity.ERROR if armed else Severity.WARNING,
                span=event.span,
                message="a failure of this build does not fail the step",
                why=f"{hidden}; when the real sources do not compile, {ships}",
                repair="join commands with `&&`, begin the script with `set -eu`, and set "
                '`SHELL ["/bin/bash", "-o", "pipefail", "-c"]` where a pipe is needed',
            )


RULE = Rule(
    id="swallowed-failure",
    severity=Severity.ERROR,
    covers=("A9",),
    summary="`cargo build || true`, a pipe without pipefail, `;` or line ends without `set -e`, `&`",
    check=_check,
)
