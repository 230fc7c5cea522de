"""COPY of a path that existed only inside a cache mount."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Related, Rule, Severity
from orchestrator.dockerfile.timeline.output import outputs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.read import Timeline


def _check(timeline: Timeline) -> Iterator[Finding]:
    for output in outputs(timeline):
        producers = [call for call in output.state.calls if call.call.key.folder == output.folder]
        if not producers or producers[-1].call.key.mount is None:
            continue
        last = producers[-1]
        if output.within and output.step.mounts.get(_mount_point(last.step.mounts, output.folder)) is not None:
            continue
        earlier = [call for call in producers if call.call.key.mount is None]
        ships = (
            "so what an earlier step left there ships, a stub or a stale program"
            if earlier
            else "so there is no such file"
        )
        yield Finding(
            rule=RULE.id,
            severity=Severity.ERROR,
            span=output.span,
            message=f"{output.path} lies in a cache mount of the step that builds it",
            why=f"a cache mount is there during its RUN step only and is no part of the layer, {ships}",
            repair="copy the program out in the same step (`&& cp target/release/app /usr/local/bin/`), and COPY that",
            related=(Related(span=last.span, text="builds into the mount"),),
        )


def _mount_point(mounts: object, folder: str) -> str:
    points = (
        [point for point in mounts if folder == point or folder.startswith(point + "/")]
        if isinstance(mounts, dict)
        else []
    )
    return points[0] if points else ""


RULE = Rule(
    id="mounted-output-copied",
    severity=Severity.ERROR,
    covers=("C7",),
    summary="a later COPY or RUN that reads the target directory of a `--mount=type=cache` step",
    check=_check,
)
