"""Dockerfile words: quotes, escapes and variables, as the reference's section "Environment replacement" has them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLE = re.compile(
    r"\\(?P<escaped>.)|\$(?:(?P<plain>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?::(?P<rule>[-+])(?P<other>[^}]*))?\})",
    re.DOTALL,
)


def expand(word: str, variables: Mapping[str, str]) -> str:
    """Return a word with its variables replaced; one that is not set becomes empty, as BuildKit does it."""

    def value(match: re.Match[str]) -> str:
        if match["escaped"] is not None:
            return str(match["escaped"])
        name = match["plain"] or match["name"]
        found, other = variables.get(name), match["other"] or ""
        if match["rule"] == "-":
            return found or expand(other, variables)
        if match["rule"] == "+":
            return expand(other, variables) if found else ""
        return found or ""

    return _VARIABLE.sub(value, word)


def unquote(word: str) -> str:
    """Return a word without the quotes around it."""
    if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'":
        return word[1:-1]
    return word


def assignment(word: str) -> tuple[str, str | None]:
    """Return (name, default) of an ARG's word; the default is None where it has none."""
    name, equals, default = word.partition("=")
    return name, unquote(default) if equals else None
