"""What a shell script does, command by command."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.dockerfile.spans import ScriptText, Span

UNKNOWN = "\0"
"""Stands in a word for what only the running shell knows (`$(…)`, a variable that is set elsewhere)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word as the command gets it.

    Attributes:
        text: quotes and escapes resolved, variables replaced as far as known (`UNKNOWN` where not).
        glob: whether the shell expands it: it has an unquoted `*`, `?` or `[`.
        quoted: whether any part of it stands in quotes or is escaped.
    """

    text: str
    glob: bool
    quoted: bool
    span: Span

    @property
    def known(self) -> bool:
        """Return whether the text is certain."""
        return UNKNOWN not in self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirection:
    """`operator` without its descriptor (`>`, `>>`, `<`, `<<`). `body`: a here-document's text, `script`: the same."""

    operator: str
    target: Word | None
    body: str | None = None
    script: ScriptText | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One simple command, in the order in which the script would run it.

    Attributes:
        words: name and arguments; empty for a mere redirection.
        environment: shell variables at that point, those before the command's name included.
        redirections: its own, and those of the compound around it.
        stdin: the command whose output it reads, in a pipeline.
        swallowed: how its failure is hidden from the script's exit code, in the script's words; None where it is not.
        sure: whether it surely runs: not behind a condition, a `||` or in a function that may not be called.
        directory: where `cd` has led, relative to where the script began, or absolute; UNKNOWN in it if not known.
        span: from its first assignment to its last word or redirection.
    """

    words: tuple[Word, ...]
    environment: Mapping[str, str]
    redirections: tuple[Redirection, ...]
    stdin: Command | None
    swallowed: str | None
    sure: bool
    directory: str
    span: Span
    assigned: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the program's name without its folder; empty where there is none or it is not known."""
        if not self.words or not self.words[0].known:
            return ""
        return self.words[0].text.rsplit("/", 1)[-1]

    @property
    def arguments(self) -> tuple[Word, ...]:
        """Return the words behind the name."""
        return self.words[1:]
