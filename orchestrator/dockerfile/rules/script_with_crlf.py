"""An entrypoint script with Windows line ends."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Related, Rule, Severity
from orchestrator.dockerfile.rules.started_script import started_script
from orchestrator.dockerfile.spans import SourceText
from orchestrator.dockerfile.timeline.events import Ran

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.read import Timeline

_MENDING = frozenset({"sed", "dos2unix", "tr", "perl"})


def _check(timeline: Timeline) -> Iterator[Finding]:
    script = started_script(timeline)
    if script is None or timeline.context is None or "\r\n" not in script.text:
        return
    name = posixpath.basename(script.path)
    for event in timeline.states[-1].events:
        if (
            isinstance(event, Ran)
            and event.command.name in _MENDING
            and any(name in word.text for word in event.command.words)
        ):
            return
    line = script.text[: script.text.index("\r\n")].count("\n") + 1
    source = SourceText(timeline.context.shown(script.path), script.text)
    start = source.line_start(line)
    yield Finding(
        rule=RULE.id,
        severity=Severity.ERROR if line == 1 else Severity.WARNING,
        span=source.span(start, source.content.find(b"\r\n", start) + 1),
        message=f"{script.path} has Windows line ends (CRLF)",
        why="the kernel looks for an interpreter whose name ends in a carriage return: `no such file or directory`"
        if line == 1
        else "the shell takes the carriage return for a part of the last word",
        repair=f"sed -i 's/\\r$//' {script.path}, and put `*.sh text eol=lf` into .gitattributes",
        related=(Related(span=script.brought, text="brings it into the image"),),
    )


RULE = Rule(
    id="script-with-crlf",
    severity=Severity.ERROR,
    covers=("E6",),
    summary="an entrypoint script with CRLF line ends (needs the context)",
    check=_check,
)
