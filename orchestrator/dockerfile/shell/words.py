"""One word of shell text: quotes, escapes, variables, braces."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.dockerfile.shell.model import UNKNOWN, Word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tree_sitter import Node

    from orchestrator.dockerfile.spans import ScriptText

_SPLIT, _LITERAL = "\x01", "\x02"
_GLOB = re.compile(r"(?<!\x02)[*?\[]")
_BRACES = re.compile(r"(?<!\x02)\{([^{}\x02]*,[^{}\x02]*)\}")
_SUBSTITUTIONS = frozenset({"command_substitution", "process_substitution", "arithmetic_expansion"})
_ANSI = {"n": "\n", "t": "\t", "\\": "\\", "'": "'", '"': '"', "0": "", "r": "\r"}
_MOST_ALTERNATIVES = 64


def words_of(node: Node, script: ScriptText, variables: Mapping[str, str], *, braces: bool) -> Iterator[Word]:
    """Yield the words that one word of the text becomes.

    Args:
        node: of the syntax tree.
        script: the text, for places.
        variables: their values as far as known.
        braces: whether the shell expands `{a,b}` (bash does, dash and busybox do not).
    """
    raw = _raw(node, variables)
    span = script.span(node.start_byte, node.end_byte)
    quoted = node.type in {"raw_string", "string", "ansi_c_string"} or _LITERAL in raw
    for alternative in _alternatives(raw, expand=braces):
        for part in alternative.split(_SPLIT):
            if part or quoted:
                yield Word(
                    text=part.replace(_LITERAL, ""), glob=_GLOB.search(part) is not None, quoted=quoted, span=span
                )


def text_of(node: Node | None, variables: Mapping[str, str]) -> str:
    """Return a value: what an assignment gives a variable, which is not split."""
    return "" if node is None else _raw(node, variables).replace(_LITERAL, "").replace(_SPLIT, " ")


def _alternatives(raw: str, *, expand: bool) -> list[str]:
    found = [raw]
    if not expand:
        # Whether /bin/sh expands braces depends on the image: what they become is not known.
        return [_BRACES.sub(UNKNOWN, raw)]
    while len(found) < _MOST_ALTERNATIVES and (match := _BRACES.search(found[0])):
        head = found.pop(0)
        found += [head[: match.start()] + choice + head[match.end() :] for choice in match[1].split(",")]
    return found


def _raw(node: Node, variables: Mapping[str, str]) -> str:
    """Return a word's text in which quoted characters that mean something are marked, and splits are too."""
    text = (node.text or b"").decode("utf-8", "replace").replace("\0", "")
    if node.type in _QUOTED:
        return _QUOTED[node.type](node, text, variables)
    if node.type in {"simple_expansion", "expansion"}:
        return re.sub(r"[ \t\n]+", _SPLIT, _variable(node, text, variables))
    if node.type in _SUBSTITUTIONS:
        return UNKNOWN
    if node.type in {"concatenation", "command_name"}:
        return "".join(_raw(child, variables) for child in node.children)
    return re.sub(r"\\(.)", lambda match: "" if match[1] == "\n" else _LITERAL + match[1], text, flags=re.DOTALL)


def _in_single_quotes(_node: Node, text: str, _variables: Mapping[str, str]) -> str:
    return _literal(text[1:-1])


def _in_ansi_quotes(_node: Node, text: str, _variables: Mapping[str, str]) -> str:
    return _literal(re.sub(r"\\(.)", lambda match: _ANSI.get(match[1], match[1]), text[2:-1], flags=re.DOTALL))


def _in_quotes(node: Node, _text: str, variables: Mapping[str, str]) -> str:
    out, place = [], node.start_byte + 1
    raw, base = node.text or b"", node.start_byte
    for child in node.children:
        if child.type == '"':
            continue
        # Blanks at the edges of a string belong to it and to no child.
        out.append(raw[place - base : child.start_byte - base].decode("utf-8", "replace"))
        if child.type in {"simple_expansion", "expansion"}:
            # The grammar counts blanks before `$` to the expansion.
            text = (child.text or b"").decode("utf-8", "replace")
            out.append(text[: len(text) - len(text.lstrip())] + _variable(child, text.lstrip(), variables))
        elif child.type in _SUBSTITUTIONS:
            out.append(UNKNOWN)
        else:
            text = (child.text or b"").decode("utf-8", "replace")
            out.append(re.sub(r"\\([\"$`\\\n])", lambda match: "" if match[1] == "\n" else match[1], text))
        place = child.end_byte
    closed = raw.endswith(b'"') and len(raw) > 1
    out.append(raw[place - base : -1 if closed else None].decode("utf-8", "replace") if place > base else "")
    return _literal("".join(out))


def _literal(text: str) -> str:
    return re.sub(r"([*?\[{}])", rf"{_LITERAL}\1", text) or _LITERAL


def _variable(node: Node, text: str, variables: Mapping[str, str]) -> str:
    """Return a variable's value; what operators such as `##` would make of it is not known."""
    name = next((child for child in node.children if child.type == "variable_name"), None)
    if name is None or node.type == "expansion":
        inner = re.fullmatch(r"\$\{(\w+)(?:(:?[-=])(.*))?\}", text, re.DOTALL)
        if inner is None:
            return UNKNOWN
        found = variables.get(inner[1])
        if inner[2] is None:
            return UNKNOWN if found is None else found
        if found is None:
            return UNKNOWN
        return found or (inner[3] if "$" not in inner[3] else UNKNOWN)
    found = variables.get((name.text or b"").decode("utf-8", "replace"))
    return UNKNOWN if found is None else found


_QUOTED: dict[str, Callable[[Node, str, Mapping[str, str]], str]] = {
    "raw_string": _in_single_quotes,
    "ansi_c_string": _in_ansi_quotes,
    "string": _in_quotes,
    "translated_string": _in_quotes,
}
