"""`cargo test` or `cargo bench` links the program again between the build and the copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Related, Rule, Severity
from orchestrator.dockerfile.timeline.events import Called
from orchestrator.dockerfile.timeline.output import outputs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.read import Timeline


def _check(timeline: Timeline) -> Iterator[Finding]:
    seen = set()
    for output in outputs(timeline):
        calls = [
            event
            for event in output.state.events
            if isinstance(event, Called) and event.call.links and event.call.key.folder == output.folder
        ]
        if output.within or not calls or not calls[-1].call.tests or calls[-1].span in seen:
            continue
        built = [call for call in calls if not call.call.tests]
        if built:
            seen.add(calls[-1].span)
            yield Finding(
                rule=RULE.id,
                severity=Severity.WARNING,
                span=calls[-1].span,
                message=f"this call can link {output.name or 'the programs'} again, between build and copy",
                why="integration tests need the programs, so cargo links them once more, with the features "
                "that dev-dependencies turn on: what ships is not what was built",
                repair="test before the build, in a stage of its own, or with another `--target-dir`",
                related=(Related(span=built[-1].span, text="the build"), Related(span=output.span, text="the copy")),
            )


RULE = Rule(
    id="relinked-by-test",
    severity=Severity.WARNING,
    covers=("D7",),
    summary="`cargo test` in the build's profile between the build and the copy",
    check=_check,
)
