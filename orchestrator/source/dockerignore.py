"""`.dockerignore`, with the meaning that Docker gives it.

Source of the rules: docs.docker.com/build/concepts/context (".dockerignore files") and moby/patternmatcher: patterns
are Go's filepath.Match plus `**`, rooted at the context; the last one that matches decides, `!` takes back; a pattern
that matches a folder matches all below it.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from functools import cached_property

_COMMENT = "#"


@dataclass(frozen=True)
class _Rule:
    text: str
    keeps: bool

    @cached_property
    def expression(self) -> re.Pattern[str]:
        return re.compile(_translate(self.text), re.DOTALL)


class IgnoreRules:
    """The patterns of one ignore file.

    Args:
        text: the file's content; empty ignores nothing.
    """

    def __init__(self, text: str) -> None:
        self._rules = tuple(rule for line in text.removeprefix("\ufeff").splitlines() if (rule := _rule(line)))

    def ignores(self, path: str) -> bool:
        """Return whether a path, relative to the context, is left out."""
        ignored = False
        # Every folder above counts: ignoring `a` ignores `a/b`, and `!a` brings `a/b` back.
        parents = [path]
        while "/" in parents[-1]:
            parents.append(parents[-1].rpartition("/")[0])
        for rule in self._rules:
            if rule.keeps is ignored and any(rule.expression.fullmatch(part) for part in parents):
                ignored = not rule.keeps
        return ignored


def _rule(line: str) -> _Rule | None:
    if line.startswith(_COMMENT):
        return None
    text = line.strip()
    keeps = text.startswith("!")
    text = text[1:].strip() if keeps else text
    if not text:
        return None
    cleaned = posixpath.normpath(text).lstrip("/")
    return None if cleaned in {"", "."} else _Rule(cleaned, keeps)


def _translate(pattern: str) -> str:
    """Return the regular expression for a pattern."""
    out, place = [], 0
    while place < len(pattern):
        character = pattern[place]
        if pattern.startswith("**", place):
            place += 2
            if pattern.startswith("/", place):
                place += 1
                out.append("(?:.*/)?")
            else:
                out.append(".*")
            continue
        if character == "[":
            end = _class_end(pattern, place)
            if end > 0:
                out.append(_class(pattern[place + 1 : end]))
                place = end + 1
                continue
        if character == "\\" and place + 1 < len(pattern):
            place += 1
            out.append(re.escape(pattern[place]))
        else:
            out.append({"*": "[^/]*", "?": "[^/]"}.get(character) or re.escape(character))
        place += 1
    return "".join(out)


def _class_end(pattern: str, start: int) -> int:
    """Return where a character class ends, or -1 if it does not."""
    place = start + 1
    while place < len(pattern):
        if pattern[place] == "\\":
            place += 1
        elif pattern[place] == "]" and place > start + 1:
            return place
        place += 1
    return -1


def _class(content: str) -> str:
    negated = content.startswith("^")
    inner = content[1:] if negated else content
    escaped = re.sub(r"([\[\]&~|])", r"\\\1", inner)
    return f"[{'^/' if negated else ''}{escaped}]"
