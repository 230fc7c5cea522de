"""Simple commands: their words, redirections and assignments, and what they do to the shell that runs them."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from orchestrator.dockerfile.shell.model import UNKNOWN, Command, Redirection, Word
from orchestrator.dockerfile.shell.words import text_of, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tree_sitter import Node

    from orchestrator.dockerfile.spans import ScriptText

DEEPEST = 60
"""How deep statements may be nested: deeper is no script that a person wrote."""

_BRACE_SHELLS = frozenset({"bash", "zsh", "ksh"})
_CALL_DEPTH = 10
"""What a function's call counts for: one that calls itself ends after a few turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellKind:
    """The shell that runs a script, from `SHELL` or a shebang. `name` without its folder."""

    name: str = "sh"
    errexit: bool = False
    pipefail: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What stands around a command."""

    swallowed: str | None = None
    sure: bool = True
    redirections: tuple[Redirection, ...] = ()
    followed: bool = False
    depth: int = 0

    def deeper(self) -> Context:
        """Return the same, one level further in."""
        return replace(self, depth=self.depth + 1)


@dataclass(slots=True)
class Collector:
    """Takes in the commands of a script, one after the other."""

    script: ScriptText
    variables: dict[str, str]
    shell: ShellKind
    directory: str
    found: list[Command] = field(default_factory=list)
    functions: dict[str, Node] = field(default_factory=dict)

    def statement(self, node: Node, context: Context) -> None:
        """Read one statement of any kind."""
        raise NotImplementedError

    def substituted(self, node: Node, context: Context) -> None:
        """Read the commands in a word's substitutions."""
        raise NotImplementedError

    def redirections(self, node: Node) -> tuple[list[Redirection], list[Node]]:
        """Return (redirections, what else of its line hangs on a here-document)."""
        if node.type == "heredoc_redirect":
            body = next((child for child in node.children if child.type == "heredoc_body"), None)
            text = (body.text or b"").decode("utf-8", "replace") if body else ""
            script = self.script.part(body.start_byte, body.end_byte) if body else None
            found, rest = [Redirection(operator="<<", target=None, body=text, script=script)], []
            for child in node.children:
                if child.type == "file_redirect":
                    found += self.redirections(child)[0]
                elif child.type == "pipeline" or child in node.children_by_field_name("right"):
                    rest.append(child)
            return found, rest
        operator = next((child.type for child in node.children if not child.is_named), ">")
        target = node.child_by_field_name("destination")
        words = list(self.words(target)) if target else []
        return [Redirection(operator=operator, target=words[0] if words else None)], []

    def command(self, node: Node, context: Context) -> None:
        """Read a simple command, and those that stand in its substitutions."""
        self.substituted(node, context)
        assigned: dict[str, str] = {}
        words: list[Word] = []
        redirections = []
        for child in node.children:
            if child.type == "variable_assignment":
                name, value = self.assignment(child)
                assigned[name] = value
            elif child.type in {"file_redirect", "herestring_redirect"}:
                redirections += self.redirections(child)[0]
            elif child.is_named and child.type != "comment":
                words += self.words(child)
        self.add(node, tuple(words), context, tuple(redirections), assigned)

    def add(
        self,
        node: Node,
        words: tuple[Word, ...],
        context: Context,
        redirections: tuple[Redirection, ...],
        assigned: Mapping[str, str] | None = None,
    ) -> None:
        """Take in a command, and what it does to the shell itself."""
        name = words[0].text if words else ""
        if name in self.functions and context.depth < DEEPEST:
            self.statement(self.functions[name], replace(context.deeper(), depth=context.depth + _CALL_DEPTH))
            return
        self.found.append(
            Command(
                words=words,
                environment={**self.variables, **assigned} if assigned else self.variables,
                redirections=(*redirections, *context.redirections),
                stdin=None,
                swallowed=context.swallowed,
                sure=context.sure,
                directory=self.directory,
                span=self.script.span(node.start_byte, node.end_byte),
                assigned=assigned or {},
            )
        )
        if name in {"cd", "pushd"}:
            to = words[1].text if len(words) > 1 else UNKNOWN
            self.directory = posixpath.normpath(posixpath.join(self.directory, to)) if UNKNOWN not in to else UNKNOWN
        elif name == "set":
            self._set([word.text for word in words[1:]])

    def _set(self, options: Sequence[str]) -> None:
        for number, option in enumerate(options):
            letters = option[1:] if option[:1] in {"-", "+"} else ""
            on = option.startswith("-")
            if "e" in letters:
                self.shell = replace(self.shell, errexit=on)
            if letters.endswith("o") and options[number + 1 : number + 2] == ["pipefail"]:
                self.shell = replace(self.shell, pipefail=on)
            if letters.endswith("o") and options[number + 1 : number + 2] == ["errexit"]:
                self.shell = replace(self.shell, errexit=on)

    def assignment(self, node: Node) -> tuple[str, str]:
        """Return (name, value)."""
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        return (name.text or b"").decode("utf-8", "replace") if name else "", text_of(value, self.variables)

    def words(self, node: Node) -> Iterator[Word]:
        """Yield the words that a word of the text becomes."""
        return words_of(node, self.script, self.variables, braces=self.shell.name in _BRACE_SHELLS)
