"""`.dockerignore`, with the meaning that Docker gives it.

Source of the rules: docs.docker.com/build/concepts/context (".dockerignore files") and moby/patternmatcher: patterns
are Go's filepath.Match plus `**`, rooted at the context; the last one that matches decides, `!` takes back; a pattern
that matches a folder matches all below it. Its test tables are checked in tests/unit/source.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.errors import SourceUnreadableError
from orchestrator.location import Location

if TYPE_CHECKING:
    from collections.abc import Callable

_COMMENT = "#"
_SPECIAL = re.compile(r"[*?\[\]\\]")


@dataclass(frozen=True)
class _Rule:
    keeps: bool
    fits: Callable[[str], object]


class IgnoreRules:
    """The patterns of one ignore file.

    Args:
        text: the file's content; empty ignores nothing.
        file: its name, for errors.

    Raises:
        SourceUnreadableError: Docker would refuse one of the patterns.
    """

    def __init__(self, text: str, *, file: str = ".dockerignore") -> None:
        lines = enumerate(text.removeprefix("\ufeff").split("\n"), start=1)
        self._rules = tuple(rule for number, line in lines if (rule := _rule(line, file, number)))

    def ignores(self, path: str) -> bool:
        """Return whether a path, relative to the context, is left out."""
        ignored = False
        # Every folder above counts: ignoring `a` ignores `a/b`, and `!a` brings `a/b` back.
        parents = [path]
        while "/" in parents[-1]:
            parents.append(parents[-1].rpartition("/")[0])
        for rule in self._rules:
            if rule.keeps is ignored and any(rule.fits(part) for part in parents):
                ignored = not rule.keeps
        return ignored


def _rule(line: str, file: str, number: int) -> _Rule | None:
    if line.startswith(_COMMENT):
        return None
    text = line.strip()
    keeps = text.startswith("!")
    text = text[1:].strip() if keeps else text
    if not text and not keeps:
        return None
    try:
        # POSIX leaves two leading slashes as they are; Go's filepath.Clean does not.
        cleaned = posixpath.normpath(re.sub("^/+", "/", text)).removeprefix("/") if text else ""
        return None if text and cleaned in {"", "."} else _Rule(keeps, _matcher(cleaned))
    except (ValueError, re.error) as error:
        raise SourceUnreadableError(
            f"the pattern {line.strip()!r} is malformed ({error}); Docker refuses it",
            location=Location(file=file, line=number),
            repair="correct the pattern; a character that means itself is written with a backslash before it",
        ) from error


def _matcher(pattern: str) -> Callable[[str], object]:
    """Return what says whether a path fits.

    `**` at an end, without other signs, is a plain prefix or suffix for Docker: `**file` fits `xfile`, where
    `**file*` fits only whole names.
    """
    if not pattern:
        msg = "there is nothing behind the `!`"
        raise ValueError(msg)
    if _SPECIAL.search(pattern) is None:
        return lambda path: path == pattern
    start, rest = pattern[:2], pattern[2:]
    if start == "**" and _SPECIAL.search(rest) is None:
        return lambda path: path.endswith(rest) or (rest[:1] == "/" and path == rest[1:])
    if pattern.endswith("**") and _SPECIAL.search(pattern[:-2]) is None:
        return lambda path: path.startswith(pattern[:-2])
    return re.compile(_translate(pattern)).fullmatch


def _translate(pattern: str) -> str:
    """Return the regular expression for a pattern."""
    out, place = [], 0
    while place < len(pattern):
        character = pattern[place]
        if pattern.startswith("**", place):
            place += 2 + pattern.startswith("/", place + 2)
            out.append(".*" if place == len(pattern) else "(?:.*/)?")
        elif character == "[":
            place, text = _class(pattern, place)
            out.append(text)
        elif character == "\\":
            out.append(re.escape(_escaped(pattern, place + 1)))
            place += 2
        else:
            out.append({"*": "[^/]*", "?": "[^/]"}.get(character) or re.escape(character))
            place += 1
    return "".join(out)


def _escaped(pattern: str, place: int) -> str:
    if place >= len(pattern):
        msg = "a backslash stands at the end"
        raise ValueError(msg)
    return pattern[place]


def _class(pattern: str, start: int) -> tuple[int, str]:
    """Return (where it ends, regular expression) of a character class, by the rules of Go's filepath.Match."""
    place = start + 1
    negated = pattern.startswith("^", place)
    place += negated
    ranges: list[str] = []
    while not (pattern.startswith("]", place) and ranges):
        low, place = _class_character(pattern, place)
        high = low
        if pattern.startswith("-", place):
            high, place = _class_character(pattern, place + 1)
        ranges.append(f"{re.escape(low)}-{re.escape(high)}")
    return place + 1, f"[{'^' if negated else ''}{''.join(ranges)}]"


def _class_character(pattern: str, place: int) -> tuple[str, int]:
    if place >= len(pattern) or pattern[place] in "-]":
        msg = "a `[` without its `]`" if place >= len(pattern) else f"`{pattern[place]}` needs a backslash in `[...]`"
        raise ValueError(msg)
    place += pattern[place] == "\\"
    return _escaped(pattern, place), place + 1
