"""Calls of cargo by a path, in the text of a RUN step: where the tool can put a word of its own before each of them.

What stands first in PATH is not met by `$HOME/.cargo/bin/cargo build`, and nothing can be mounted over a file that an
earlier step, or this very one, has put there. So the call itself is handed to the tool's cargo, with the path as its
first word. Places are taken from the syntax tree, and only where all of the step is understood: what a step merely
writes, tests or links is left alone.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from orchestrator.dockerfile.run_text import shell_text
from orchestrator.dockerfile.spans import SourceText

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.dockerfile.model import Instruction
    from orchestrator.dockerfile.shell.model import Word

_MENTIONED = re.compile(r"/cargo(?![\w./-])")
_WRAPPERS = frozenset({"env", "time", "timeout", "nice", "exec", "sudo", "nohup", "command", "stdbuf", "ionice"})
_VALUED = frozenset({"-u", "-g", "-n", "-k", "-s"})
"""Options of theirs with a value behind them, which is no command."""

_NO_COMMAND = re.compile(r"-.*|\w+=.*|\d+(?:\.\d+)?[smhd]?", re.DOTALL)
_BEGINS = re.compile(r"[\"']?(?:~|/|\$)")
_BEFORE = " \t\n;&|({`!"


def places_by_path(text: str, instruction: Instruction, escape: str) -> tuple[int, ...]:
    """Return where the words stand that call cargo by a path: offsets in the text, in order.

    Args:
        text: the Dockerfile's.
        instruction: a RUN step in shell form.
        escape: the Dockerfile's escape character.
    """
    if not _MENTIONED.search(instruction.script):
        return ()
    source = SourceText("", text)
    script = shell_text(source, instruction, escape)
    if script is None:
        return ()
    from orchestrator.dockerfile.shell.collect import ShellKind  # noqa: PLC0415 - few steps call cargo so
    from orchestrator.dockerfile.shell.read import is_understood, read_script  # noqa: PLC0415 - same

    if not is_understood(script):
        return ()
    found: set[int] = set()
    for command in read_script(script, variables={}, shell=ShellKind()):
        word = _called(command.words)
        if word is not None:
            at = len(source.content[: source.offset(word.span.line, word.span.column)].decode("utf-8", "surrogatepass"))
            # What an expansion or an escape has made of the text stands there otherwise.
            if _BEGINS.match(text, at) and text[at - 1 : at] in _BEFORE:
                found.add(at)
    return tuple(sorted(found))


def _called(words: Sequence[Word]) -> Word | None:
    """Return the word by which a command calls cargo by a path, behind programs that start another one."""
    rest = iter(words)
    for word in rest:
        name = posixpath.basename(word.text)
        if name == "cargo":
            return word if "/" in word.text and not word.glob else None
        if word.text in _VALUED:
            next(rest, None)
        elif name not in _WRAPPERS and (word is words[0] or not _NO_COMMAND.fullmatch(word.text)):
            return None
    return None
