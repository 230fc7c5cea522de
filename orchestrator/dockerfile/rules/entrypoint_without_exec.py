"""An entrypoint that starts the program as a child and never hands it the signals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Related, Rule, Severity
from orchestrator.dockerfile.rules.started_script import started_script
from orchestrator.dockerfile.run_text import command_span
from orchestrator.dockerfile.shell.collect import ShellKind
from orchestrator.dockerfile.shell.model import UNKNOWN
from orchestrator.dockerfile.shell.read import read_script
from orchestrator.dockerfile.spans import SourceText, whole
from orchestrator.dockerfile.timeline.output import start_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.read import Timeline

_WHY = (
    "the shell stays process 1 and does not pass on SIGTERM: `docker stop` waits for its time-out and kills the program"
)
_QUIET = frozenset({"exit", "wait", "return", "echo", "printf", "true", ":", "trap", "set"})


def _check(timeline: Timeline) -> Iterator[Finding]:
    started = start_words(timeline)
    if started is None:
        return
    words, json, line = started
    instruction = timeline.dockerfile.instruction(line)
    if not json and words and words[0] != "exec" and instruction is not None and instruction.keyword == "ENTRYPOINT":
        yield Finding(
            rule=RULE.id,
            severity=Severity.HINT,
            span=command_span(timeline.source, instruction),
            message="this ENTRYPOINT is a shell's command line",
            why=f"where the shell does not replace itself, {_WHY}; CMD and arguments are ignored",
            repair='write the exec form, ["program", "argument"], or begin the line with `exec`',
        )
    script = started_script(timeline)
    if script is None or timeline.context is None:
        return
    source = SourceText(timeline.context.shown(script.path), script.text.replace("\r\n", "\n"))
    commands = read_script(whole(source), variables={}, shell=ShellKind())
    if any(command.name == "exec" and command.arguments for command in commands) or not commands:
        return
    last = commands[-1]
    if (
        last.name in _QUIET
        or not last.words
        or not (last.words[0].text.startswith(("/", "./", UNKNOWN)) or "$@" in last.words[-1].text)
    ):
        return
    yield Finding(
        rule=RULE.id,
        severity=Severity.WARNING,
        span=last.span,
        message="the entrypoint script starts the program without `exec`",
        why=_WHY,
        repair="write `exec` before the command on this line",
        related=(Related(span=script.brought, text="brings the script into the image"),),
    )


RULE = Rule(
    id="entrypoint-without-exec",
    severity=Severity.WARNING,
    covers=("E7",),
    summary="an entrypoint script whose last command is not `exec`ed, or a shell-form ENTRYPOINT",
    check=_check,
)
