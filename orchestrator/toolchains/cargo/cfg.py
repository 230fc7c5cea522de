"""Cargo's `cfg(...)` expressions, as they stand in `[target.'cfg(...)']` (doc.rust-lang.org/reference)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_TOKEN = re.compile(r'\s*(?:(?P<word>[A-Za-z_][\w.-]*)|"(?P<text>[^"]*)"|(?P<sign>[(),=]))')


def holds(expression: str, facts: Collection[str]) -> bool:
    """Return whether an expression such as `cfg(all(unix, target_env = "gnu"))` is true.

    Args:
        expression: the whole key, `cfg(` included.
        facts: lines of `rustc --print cfg`: `unix`, `target_os="linux"`.

    Raises:
        ValueError: this is no such expression.
    """
    tokens = _Tokens(expression)
    tokens.expect("cfg")
    tokens.expect("(")
    answer = _predicate(tokens, facts)
    tokens.expect(")")
    tokens.end()
    return answer


def matches(expression: str, facts: Collection[str]) -> bool:
    """Return whether an expression is true; False for one that cargo refuses as soon as it is called."""
    try:
        return holds(expression, facts)
    except ValueError:
        return False


def _predicate(tokens: _Tokens, facts: Collection[str]) -> bool:
    name = tokens.word()
    if name in {"all", "any", "not"} and tokens.follows("("):
        answers = []
        while not tokens.follows(")"):
            answers.append(_predicate(tokens, facts))
            if not tokens.follows(","):
                tokens.expect(")")
                break
        return _JOINED[name](answers)
    if tokens.follows("="):
        return f'{name}="{tokens.text()}"' in facts
    return name == "true" or name in facts


def _not(answers: list[bool]) -> bool:
    if len(answers) != 1:
        msg = "not() takes one predicate"
        raise ValueError(msg)
    return not answers[0]


_JOINED: dict[str, Callable[[list[bool]], bool]] = {"all": all, "any": any, "not": _not}


class _Tokens:
    """What is left to read of an expression."""

    def __init__(self, text: str) -> None:
        self._text, self._place = text, 0

    def follows(self, sign: str) -> bool:
        """Take a sign if it comes next."""
        match = _TOKEN.match(self._text, self._place)
        if match is None or match["sign"] != sign:
            return False
        self._place = match.end()
        return True

    def expect(self, token: str) -> None:
        match = self._next()
        if token not in {match["word"], match["sign"]}:
            raise self._wrong(f"{token!r} expected")

    def word(self) -> str:
        found = self._next()["word"]
        if found is None:
            raise self._wrong("a name expected")
        return str(found)

    def text(self) -> str:
        found = self._next()["text"]
        if found is None:
            raise self._wrong("a quoted value expected")
        return str(found)

    def end(self) -> None:
        if self._text[self._place :].strip():
            raise self._wrong("nothing more expected")

    def _next(self) -> re.Match[str]:
        match = _TOKEN.match(self._text, self._place)
        if match is None:
            raise self._wrong("a token expected")
        self._place = match.end()
        return match

    def _wrong(self, what: str) -> ValueError:
        return ValueError(f"{what} at {self._text[self._place :]!r} of {self._text!r}")
