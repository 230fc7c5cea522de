"""Which files a command means: literal paths, globs, what `find` finds. The answer is yes, no, or maybe."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from orchestrator.dockerfile.shell.model import UNKNOWN, Word


class Reach(IntEnum):
    """Whether something reaches a file; ordered, so that `max` is the better of two."""

    NO = 0
    MAYBE = 1
    YES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """An absolute path, perhaps with wildcards of the shell, which never cross a `/`."""

    text: str
    glob: bool

    def reach(self, path: str) -> Reach:
        """Return whether the pattern means a path. The path may be a pattern too (`/app/crates/*/src/lib.rs`)."""
        if UNKNOWN in self.text or UNKNOWN in path:
            return Reach.MAYBE if _alike(self.text, path) else Reach.NO
        if self.text == path:
            return Reach.YES
        if self.glob and _expression(self.text).fullmatch(path):
            return Reach.YES
        if "*" in path and _expression(path).fullmatch(self.text):
            return Reach.MAYBE
        return Reach.NO


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSet:
    """A set of files.

    Attributes:
        roots: the files or folders named.
        recursive: whether all below a root is meant too.
        names: patterns of the last component, any of which must fit; empty: every name.
        pruned: patterns of whole paths (as `find -path` has them, crossing `/`) that are left out.
        certain: whether nothing else decides.
        deepest: how many levels below a root; None without a limit.
    """

    roots: tuple[Pattern, ...]
    recursive: bool
    names: tuple[str, ...] = ()
    pruned: tuple[str, ...] = ()
    certain: bool = True
    deepest: int | None = None

    def reach(self, path: str) -> Reach:
        """Return whether a path is in the set."""
        best = max((self._below(root, path) for root in self.roots), default=Reach.NO)
        if best is Reach.NO:
            return Reach.NO
        name = path.rsplit("/", 1)[-1]
        if self.names and not any(UNKNOWN in each or fnmatch.fnmatchcase(name, each) for each in self.names):
            return Reach.NO
        for each in self.pruned:
            if fnmatch.fnmatchcase(path, each) or fnmatch.fnmatchcase(path, f"{each}/*"):
                return Reach.NO
        return best if self.certain else Reach.MAYBE

    def _below(self, root: Pattern, path: str) -> Reach:
        found = root.reach(path)
        if found is Reach.YES or not self.recursive:
            return found
        for depth, above in enumerate(_parents(path), start=1):
            if self.deepest is not None and depth > self.deepest:
                break
            found = max(found, root.reach(above))
        return found


def absolute(word: Word | str, directory: str) -> Pattern:
    """Return a word as a path, seen from a directory (which may be unknown)."""
    text = word if isinstance(word, str) else word.text
    glob = False if isinstance(word, str) else word.glob
    if text.startswith("/"):
        return Pattern(text=posixpath.normpath(text), glob=glob)
    if UNKNOWN in directory:
        return Pattern(text=UNKNOWN + "/" + text, glob=glob)
    return Pattern(text=posixpath.normpath(posixpath.join(directory, text)), glob=glob)


def _parents(path: str) -> list[str]:
    found = []
    while path not in {"/", ""}:
        path = posixpath.dirname(path)
        found.append(path)
    return found


def _alike(one: str, other: str) -> bool:
    """Return whether two texts could be the same path, whatever stands for what is not known."""
    return _loose(one).fullmatch(other) is not None or _loose(other).fullmatch(one) is not None


@lru_cache(maxsize=4096)
def _loose(text: str) -> re.Pattern[str]:
    return re.compile(
        "".join(".*" if part == UNKNOWN else _translated(part) for part in re.split(f"({UNKNOWN})", text)), re.DOTALL
    )


@lru_cache(maxsize=4096)
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(_translated(pattern), re.DOTALL)


def _translated(pattern: str) -> str:
    out, place = [], 0
    while place < len(pattern):
        character = pattern[place]
        place += 1
        if character == "*":
            out.append("[^/]*")
        elif character == "?":
            out.append("[^/]")
        elif character == "[" and "]" in pattern[place + 1 :]:
            end = pattern.index("]", place + 1)
            inner = pattern[place:end].replace("\\", "\\\\").replace("[", "\\[")
            negated = inner.startswith(("!", "^"))
            out.append(f"[{'^' if negated else ''}{_safe_class(inner[1:] if negated else inner)}]")
            place = end + 1
        else:
            out.append(re.escape(character))
    return "".join(out)


def _safe_class(inner: str) -> str:
    """Return a character class that Python accepts: a reversed range means nothing to a shell either."""
    try:
        re.compile(f"[{inner}]")
    except re.error:
        return "".join(re.escape(character) for character in inner) or "\\0"
    return inner
