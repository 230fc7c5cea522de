"""What `find` finds, and what it does with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.dockerfile.shell.model import UNKNOWN
from orchestrator.dockerfile.timeline.files import FileSet, Pattern, absolute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.dockerfile.shell.model import Command, Word

_EXEC = frozenset({"-exec", "-execdir", "-ok", "-okdir"})
_ACTIONS = _EXEC | {"-delete", "-print", "-print0", "-ls"}
_ONE = frozenset({"-name", "-iname", "-path", "-ipath", "-wholename", "-type", "-maxdepth", "-mindepth"})
_OTHER = frozenset(
    {"-newer", "-mtime", "-mmin", "-ctime", "-cmin", "-atime", "-size", "-perm", "-regex", "-iregex", "-user", "-group"}
    | {"-newermt", "-links", "-samefile", "-inum", "-anewer", "-cnewer"}
)

_HARMLESS = frozenset({"-a", "-and", "-o", "-or", "-not", "-depth", "-xdev", "-mount", "-follow", "-true"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`files`: what is found where the action is taken. `action`: the words of `-exec`, or (`-delete`,)."""

    files: FileSet
    action: tuple[str, ...]


@dataclass(slots=True)
class _Branch:
    names: list[str]
    paths: list[str]
    pruned: list[str]
    certain: bool
    prunes: bool
    action: tuple[str, ...] | None
    folders_only: bool = False


def find(command: Command, directory: str) -> Finding:
    """Return what a `find` command finds. Alternatives (`-o`) count with the one that the action belongs to."""
    words = command.arguments
    place = 0
    while place < len(words) and words[place].text in {"-H", "-L", "-P"}:
        place += 1
    roots: list[Pattern] = []
    while place < len(words) and not words[place].text.startswith(("-", "(", "!")):
        roots.append(absolute(words[place], directory))
        place += 1
    branches, deepest = _branches(words[place:])
    acting = next((branch for branch in branches if branch.action is not None), branches[-1])
    pruned = [each for branch in branches if branch.prunes for each in branch.pruned + branch.paths + branch.names]
    files = FileSet(
        roots=tuple(roots) or (absolute(".", directory),),
        recursive=True,
        names=tuple(acting.names),
        pruned=tuple(_seen_from(each, roots, directory) for each in pruned + acting.pruned if UNKNOWN not in each),
        certain=acting.certain and not acting.paths and not acting.folders_only,
        deepest=deepest,
    )
    return Finding(files=files, action=acting.action or ("-print",))


def _seen_from(pattern: str, roots: Sequence[Pattern], directory: str) -> str:
    """Return a path pattern as an absolute one: `find .` calls its files `./…`."""
    if "/" not in pattern:
        return f"*/{pattern}"
    if pattern.startswith(("/", "*")):
        return pattern
    del roots
    return absolute(pattern, directory).text


def _branches(words: Sequence[Word]) -> tuple[list[_Branch], int | None]:
    """Return the alternatives of an expression. Parentheses only group names here, which is what they are used for."""
    branches, deepest, depth, negated, place = [_empty()], None, 0, False, 0
    while place < len(words):
        text = words[place].text
        value = words[place + 1].text if place + 1 < len(words) else ""
        place += 1
        if text in {"(", ")"}:
            depth += 1 if text == "(" else -1
        elif text in {"-o", "-or"} and depth == 0:
            branches.append(_empty())
        elif text == "-maxdepth":
            deepest, place = (int(value) if value.isdigit() else None), place + 1
        elif text in _ONE:
            _test(branches[-1], text, value, negated=negated)
            place += 1
        else:
            place = _other(branches[-1], words, place)
        negated = text in {"!", "-not"}
    return branches, deepest


def _other(branch: _Branch, words: Sequence[Word], place: int) -> int:
    """Take in the word before a place that is no test of names; return the place behind its values."""
    text = words[place - 1].text
    if text == "-prune":
        branch.prunes = True
    elif text in _EXEC:
        end = next((n for n in range(place, len(words)) if words[n].text in {";", "+"}), len(words))
        branch.action = tuple(word.text for word in words[place:end])
        return end + 1
    elif text in _ACTIONS:
        branch.action = (text,)
    elif text in _OTHER:
        branch.certain = False
        return place + 1
    elif text.startswith("-") and text not in _HARMLESS:
        branch.certain = False
    return place


def _empty() -> _Branch:
    return _Branch(names=[], paths=[], pruned=[], certain=True, prunes=False, action=None)


def _test(branch: _Branch, test: str, value: str, *, negated: bool) -> None:
    if test in {"-name", "-iname"}:
        (branch.pruned if negated else branch.names).append(value)
    elif test in {"-path", "-ipath", "-wholename"}:
        (branch.pruned if negated else branch.paths).append(value)
    elif test == "-type":
        branch.folders_only = branch.folders_only or (value == "d") is not negated
