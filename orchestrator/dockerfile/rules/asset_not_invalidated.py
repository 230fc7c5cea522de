"""A file that the program takes in is a placeholder while the artifact is compiled, and older than it afterwards."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Related, Rule, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.project import BuildContext
    from orchestrator.dockerfile.timeline.read import Timeline

_TAKEN_IN = r"(?:include_(?:str|bytes|dir)!|include!|rerun-if-changed|RustEmbed|folder\s*=)[^;]*"


def _check(timeline: Timeline) -> Iterator[Finding]:
    for state in timeline.states:
        for build, poison in state.stale_assets:
            source = poison.replaced.source_of(poison.path) if poison.replaced else None
            if source is None or timeline.context is None or not _taken_in(timeline.context, source):
                continue
            yield Finding(
                rule=RULE.id,
                severity=Severity.ERROR,
                span=build.span,
                message=f"this build does not see that {source} was replaced",
                why="the artifact that took in the placeholder is newer than the real file, whose old time COPY keeps: "
                "cargo finds the artifact fresh, and the program ships with the placeholder's content",
                repair=f"touch {posixpath.basename(source)}, or every source, in the step of the build and before it",
                related=(
                    Related(span=poison.written, text="writes the placeholder"),
                    Related(span=poison.call.span, text="compiles it in"),
                ),
            )


def _taken_in(context: BuildContext, asset: str) -> bool:
    """Return whether a source of the project names the file, or its folder, as something to take in."""
    names = [re.escape(posixpath.basename(asset))]
    names += [re.escape(posixpath.basename(posixpath.dirname(asset)))] if posixpath.dirname(asset) else []
    expression = re.compile(_TAKEN_IN + "(?:" + "|".join(names) + ")", re.DOTALL)
    return any(expression.search(context.read(source) or "") for source in context.sources if source.endswith(".rs"))


RULE = Rule(
    id="asset-not-invalidated",
    severity=Severity.ERROR,
    covers=("A10",),
    summary="a placeholder of a file that `include_str!` or build.rs reads, replaced unseen (needs the project)",
    check=_check,
)
