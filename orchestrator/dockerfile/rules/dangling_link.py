"""A folder is copied that holds a link, and what the link leads to stays behind."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Related, Rule, Severity
from orchestrator.dockerfile.run_text import word_span
from orchestrator.dockerfile.timeline.events import Arrived, Ran

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.spans import Span
    from orchestrator.dockerfile.timeline.read import Timeline
    from orchestrator.dockerfile.timeline.stage import StageState


def _check(timeline: Timeline) -> Iterator[Finding]:
    for index, state in enumerate(timeline.states):
        for event in state.events:
            instruction = event.step.instruction
            if not isinstance(event, Arrived) or event.origin is None:
                continue
            other = timeline.dockerfile.stage_of(event.origin, before=index)
            if other is None or instruction.keyword != "COPY":
                continue
            for written, source in zip(instruction.values[:-1], event.sources, strict=False):
                folder = posixpath.normpath("/" + source.strip("/"))
                for link, to, span in _links(timeline.states[other.index]):
                    if posixpath.dirname(link) == folder and not to.startswith(folder + "/"):
                        yield Finding(
                            rule=RULE.id,
                            severity=Severity.ERROR,
                            span=word_span(timeline.source, instruction, written),
                            message=f"{link} in this folder is a link to {to}, which stays behind",
                            why="a link that is copied with its folder stays a link: in the image it leads nowhere, or "
                            "to a file of that name which is another program",
                            repair=f"copy the program itself into {folder} (`cp`, not `ln -s`)",
                            related=(Related(span=span, text="makes the link"),),
                        )


def _links(state: StageState) -> Iterator[tuple[str, str, Span]]:
    """Yield (link, where it leads, place) of symbolic links with absolute ends."""
    for event in state.events:
        if isinstance(event, Ran) and event.command.name == "ln":
            options = "".join(word.text for word in event.command.arguments if word.text.startswith("-"))
            words = [word.text for word in event.command.arguments if not word.text.startswith("-")]
            if "s" in options and len(words) == 2 and words[0].startswith("/"):  # noqa: PLR2004 - end and name
                name = posixpath.join(event.directory, words[1])
                if words[1].endswith("/"):
                    name = posixpath.join(name, posixpath.basename(words[0]))
                yield posixpath.normpath(name), words[0], event.span


RULE = Rule(
    id="dangling-link",
    severity=Severity.ERROR,
    covers=("D5",),
    summary="COPY of a folder with a symbolic link to a file outside it",
    check=_check,
)
