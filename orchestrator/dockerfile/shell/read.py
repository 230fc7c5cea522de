"""A script's commands in the order in which they would run.

Parsed by tree-sitter-bash, whose grammar is a superset of what `/bin/sh` takes. Nothing is executed: loops over words
that are known are unrolled, functions are followed where they are called, both branches of a condition are taken (and
marked as not sure), and what only the running shell knows is marked as unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from orchestrator.dockerfile.shell.collect import DEEPEST, Collector, Context, ShellKind
from orchestrator.dockerfile.shell.model import UNKNOWN, Command

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tree_sitter import Node, Parser

    from orchestrator.dockerfile.spans import ScriptText

_MOST_COMMANDS = 3000
_MOST_TURNS = 64
_SUCCEEDING = frozenset({"true", ":", "echo", "printf"})
_SEPARATORS = frozenset({";", "\n", ";;", "&"})


def shell_kind(words: Sequence[str]) -> ShellKind:
    """Return what the words of a SHELL instruction or a shebang say (`/bin/bash -o pipefail -c`)."""
    names = [word.rsplit("/", 1)[-1] for word in words if not word.startswith("-") and "pipefail" not in word]
    name = next((name for name in names if name.endswith("sh")), names[0] if names else "sh")
    letters = "".join(word[1:] for word in words if word.startswith("-") and not word.startswith("--"))
    return ShellKind(name=name, errexit="e" in letters, pipefail="pipefail" in words)


def read_script(
    script: ScriptText, *, variables: Mapping[str, str], shell: ShellKind, directory: str = "."
) -> tuple[Command, ...]:
    """Return a script's commands.

    Args:
        script: the text and its place.
        variables: what is known of the environment.
        shell: what runs it.
        directory: where it begins, for `cd`.
    """
    tree = _parser().parse(script.content)
    reader = _Reader(script, dict(variables), shell, directory)
    reader.statements(tree.root_node.children, Context())
    return tuple(reader.found)


def is_understood(script: ScriptText) -> bool:
    """Return whether the grammar knows all of a script."""
    return not _parser().parse(script.content).root_node.has_error


@cache
def _parser() -> Parser:
    import tree_sitter  # noqa: PLC0415 - a grammar of a megabyte, which only linting needs
    import tree_sitter_bash  # noqa: PLC0415 - same

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


@dataclass(slots=True)
class _Reader(Collector):
    def substituted(self, node: Node, context: Context) -> None:
        """Read the commands in a word's substitutions."""
        waiting = list(node.children)
        while waiting:
            child = waiting.pop(0)
            if child.type in {"command_substitution", "process_substitution"}:
                inner = _Reader(self.script, self.variables, self.shell, self.directory, functions=self.functions)
                inner.statements(child.children, replace(context.deeper(), redirections=()))
                self.found += inner.found[: _MOST_COMMANDS - len(self.found)]
            else:
                waiting += child.children

    def statements(self, nodes: Sequence[Node], context: Context) -> None:
        """Read statements one after the other. Only the last one's failure is the whole's, unless `set -e` stands."""
        # `a && b & c`: a statement behind which `&` stands runs beside what follows.
        each = [node for node in nodes if node.is_named and node.type != "comment"]
        background = {
            nodes[number - 1].id
            for number, node in enumerate(nodes)
            if node.type == "&" and number and not node.is_named
        }
        for number, node in enumerate(each):
            inner = context.deeper()
            if context.swallowed is None:
                if node.id in background:
                    inner = replace(inner, swallowed="`&` runs it in the background")
                elif number + 1 < len(each):
                    inner = replace(inner, swallowed=self._ignored(), followed=True)
            self.statement(node, inner)

    def _ignored(self) -> str | None:
        """Return why a statement that is not the last one does not end the script when it fails."""
        if not self.shell.errexit:
            return "what follows `;` or a line end runs all the same, and gives the exit code (no `set -e`)"
        return None

    def statement(self, node: Node, context: Context) -> None:
        """Read one statement of any kind."""
        if len(self.found) >= _MOST_COMMANDS or context.depth > DEEPEST:
            return
        kind = node.type
        reader = _KINDS.get(kind)
        if reader is not None:
            getattr(self, reader)(node, context)
        elif kind in {"program", "do_group", "else_clause", "case_item", "ERROR"}:
            self.statements(node.children, context)
        elif kind not in {"comment", "heredoc_body"}:
            for child in node.named_children:
                self.statement(child, context.deeper())

    def listed(self, node: Node, context: Context) -> None:
        """Read `a && b`, `a || b`."""
        operator = next((child.type for child in node.children if not child.is_named), "")
        parts = [child for child in node.children if child.is_named and child.type != "comment"]
        if len(parts) != 2 or operator not in {"&&", "||"}:  # noqa: PLR2004 - left and right
            self.statements(node.children, context)
            return
        left, right = parts
        if operator == "&&":
            hidden = context.swallowed
            if hidden is None and self.shell.errexit and context.followed:
                hidden = "`set -e` does not end a script for what stands before `&&`, and more lines follow"
            self.statement(left, replace(context.deeper(), swallowed=hidden))
            self.statement(right, context.deeper())
            return
        text = (right.text or b"").decode("utf-8", "replace").strip()
        fails = text.startswith(("exit", "return", "false", "{ echo", "(echo")) and not text.startswith("exit 0")
        fails = fails or (right.type == "compound_statement" and "exit" in text)
        hidden = context.swallowed or (None if fails else f"`|| {text.splitlines()[0] if text else ''}`")
        self.statement(left, replace(context.deeper(), swallowed=hidden))
        self.statement(right, replace(context.deeper(), sure=False))

    def pipeline(self, node: Node, context: Context, first: Command | None = None) -> None:
        """Read `a | b`. Without pipefail only the last part's failure counts."""
        parts = [child for child in node.children if child.is_named and child.type != "comment"]
        directory, before = self.directory, first
        for number, part in enumerate(parts):
            inner = context.deeper()
            if number + 1 < len(parts) and inner.swallowed is None and not self.shell.pipefail:
                last = (parts[-1].text or b"").decode("utf-8", "replace").split()
                inner = replace(inner, swallowed=f"`| {last[0] if last else ''}` without `set -o pipefail`")
            start = len(self.found)
            self.statement(part, inner)
            if before is not None and len(self.found) > start:
                self.found[start] = replace(self.found[start], stdin=before)
            before = self.found[-1] if len(self.found) > start else before
            # Each part is a process of its own: `cd` in it leads nowhere.
            self.directory = directory

    def redirected(self, node: Node, context: Context) -> None:
        """Read a statement with redirections; those of a here-document may hold the rest of the line."""
        body = node.child_by_field_name("body")
        own, rest = [], []
        for child in node.children_by_field_name("redirect"):
            redirections, further = self.redirections(child)
            own += redirections
            rest += further
        start = len(self.found)
        if body is None:
            self.add(node, (), context, tuple(own))
        elif body.type == "list":
            # The grammar hangs the last command's redirection on the whole list.
            self.statement(body, context.deeper())
            if len(self.found) > start:
                last = self.found[-1]
                self.found[-1] = replace(last, redirections=(*last.redirections, *own))
        else:
            self.statement(body, replace(context.deeper(), redirections=(*context.redirections, *own)))
        for part in rest:
            if part.type == "pipeline":
                self.pipeline(part, context, self.found[-1] if len(self.found) > start else None)
            else:
                self.statement(part, context.deeper())

    def test(self, node: Node, context: Context) -> None:
        """Read `[ … ]`: nothing in it acts, but for substitutions."""
        self.substituted(node, context)

    def declared(self, node: Node, context: Context) -> None:
        """Read assignments and `export`."""
        self.substituted(node, context)
        for child in [node, *node.children]:
            if child.type == "variable_assignment":
                name, value = self.assignment(child)
                self.variables = {**self.variables, name: value}

    def looped(self, node: Node, context: Context) -> None:
        """Read `for x in …`: once for each word."""
        name = node.child_by_field_name("variable")
        body = node.child_by_field_name("body")
        values = [word for child in node.children_by_field_name("value") for word in self.words(child)]
        if name is None or body is None:
            return
        for value in [word.text for word in values[:_MOST_TURNS]] or [UNKNOWN]:
            self.variables = {**self.variables, (name.text or b"").decode("utf-8", "replace"): value}
            self.statements(body.children, context)

    def conditional(self, node: Node, context: Context) -> None:
        """Read `if`, `while`, `case`: whatever may run, none of it surely; a condition's failure is an answer."""
        asked = {child.id for child in node.children_by_field_name("condition")}
        maybe = replace(context.deeper(), sure=False)
        for child in node.children:
            if not child.is_named:
                continue
            if child.id in asked:
                self.statement(child, replace(context.deeper(), swallowed="it is a condition"))
            elif child.type not in {"word", "string", "simple_expansion", "variable_name"}:
                self.statement(child, maybe)

    def group(self, node: Node, context: Context) -> None:
        """Read `{ …; }`."""
        self.statements(node.children, context)

    def subshell(self, node: Node, context: Context) -> None:
        """Read `( … )`: neither its `cd` nor its variables are seen behind it."""
        kept = self.directory, self.variables, self.shell
        self.statements(node.children, context)
        self.directory, self.variables, self.shell = kept

    def negated(self, node: Node, context: Context) -> None:
        """Read `! a`."""
        for child in node.named_children:
            self.statement(child, replace(context.deeper(), swallowed="`!` turns its exit code round"))

    def function(self, node: Node, _context: Context) -> None:
        """Keep a function's body for its calls."""
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if name is not None and body is not None:
            self.functions[(name.text or b"").decode("utf-8", "replace")] = body


_KINDS = {
    "list": "listed",
    "pipeline": "pipeline",
    "redirected_statement": "redirected",
    "command": "command",
    "test_command": "test",
    "declaration_command": "declared",
    "variable_assignment": "declared",
    "variable_assignments": "declared",
    "for_statement": "looped",
    "c_style_for_statement": "conditional",
    "if_statement": "conditional",
    "elif_clause": "conditional",
    "while_statement": "conditional",
    "case_statement": "conditional",
    "compound_statement": "group",
    "subshell": "subshell",
    "negated_command": "negated",
    "function_definition": "function",
}
