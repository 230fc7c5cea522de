"""A Makefile's recipes, for what `make` is asked to make: https://www.gnu.org/software/make/manual/make.html.

Plain rules and plain variables are read. Where a Makefile says anything else (conditions, includes, functions that make
rules, patterns that a goal hangs on), nothing is said of it at all: a guess would be a false alarm.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.dockerfile.recipes.model import UNKNOWN_TEXT, RecipeLine, Rewritten
from orchestrator.dockerfile.shell.collect import ShellKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from orchestrator.dockerfile.spans import SourceText

NAMES = ("GNUmakefile", "makefile", "Makefile")
"""Files that make reads without being told, in its order."""

_ASSIGNS = re.compile(r"(?:export\s+|override\s+)?(?P<name>[\w.-]+)\s*(?P<how>[:?+]?:?:?=)\s*(?P<value>.*)")
_RULE = re.compile(r"(?P<targets>[^:=#\t][^:=#]*):(?!:|=)(?P<needs>[^=;|]*)")
_EXPORTS = re.compile(r"(?:un)?export(?:\s+[\w ]+)?")
_REFERENCE = re.compile(rb"\$\$|\$\((?P<round>[^()$]*)\)|\$\{(?P<curly>[^{}$]*)\}|\$(?P<one>[^({$])|\\\n\t?")
_MOST_STEPS = 200
_MOST_REFERENCES = 100
_LONGEST = 4096
_DEEPEST = 50
_SAYS_NOTHING = frozenset({"-s", "--silent", "--quiet", "--no-print-directory", "-B", "--always-make", "-w", "-r"})


@dataclass(slots=True)
class _Rule:
    needs: tuple[str, ...] = ()
    lines: list[tuple[int, int]] = field(default_factory=list)
    """Offsets of its recipe's lines in the file, the tab left out, continued ones as one."""


@dataclass(slots=True)
class _Makefile:
    source: SourceText
    variables: dict[str, str] = field(default_factory=dict)
    rules: dict[str, _Rule] = field(default_factory=dict)
    phony: set[str] = field(default_factory=set)
    first: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeCall:
    """What a call of make asks for.

    Attributes:
        file: the Makefile that it names; None for the usual ones.
        folder: where it is told to go first.
        goals: what it is asked to make; empty for the Makefile's first target.
        variables: those given on the command line, which the Makefile's own do not replace.
    """

    file: str | None
    folder: str
    goals: tuple[str, ...]
    variables: Mapping[str, str]


def make_call(words: Sequence[str]) -> MakeCall | None:
    """Return what the words behind `make` say; None where one is not understood."""
    file, folder, goals, variables = None, ".", list[str](), dict[str, str]()
    following = iter(words)
    for word in following:
        name, equals, value = word.partition("=")
        if word in {"-f", "--file", "--makefile"}:
            file = next(following, None)
        elif word in {"-C", "--directory"}:
            folder = next(following, ".")
        elif name in {"--file", "--makefile"}:
            file = value
        elif name == "--directory":
            folder = value
        elif word in {"-j", "--jobs"} or re.fullmatch(r"-j\d+|--jobs=\d+", word) or word in _SAYS_NOTHING:
            continue
        elif word.startswith("-"):
            return None
        elif equals:
            variables[name.rstrip(":")] = value
        elif not re.fullmatch(r"\d+", word):
            goals.append(word)
    return MakeCall(file=file, folder=folder, goals=tuple(goals), variables=variables)


def make_lines(
    source: SourceText, call: MakeCall, *, environment: Mapping[str, str], exists: Callable[[str], bool]
) -> tuple[RecipeLine, ...] | None:
    """Return what make runs for a call, in its order; None where the Makefile says more than is understood.

    Args:
        source: the Makefile.
        call: what is asked for.
        environment: variables of the shell that calls make, as far as known.
        exists: whether a path relative to the Makefile's folder may be there: such a target may be up to date.
    """
    makefile = _read(source, environment)
    if makefile is None:
        return None
    makefile.variables |= call.variables
    shell = _shell(makefile)
    goals = call.goals or ((makefile.first,) if makefile.first else ())
    if shell is None or not goals:
        return None
    run = _Run(makefile=makefile, shell=shell, exists=exists)
    return tuple(run.found) if all(run.make(goal) for goal in goals) else None


def _shell(makefile: _Makefile) -> ShellKind | None:
    words = makefile.variables.get("SHELL", "/bin/sh").split()
    flags = makefile.variables.get(".SHELLFLAGS", "-c").split()
    name = words[-1].rsplit("/", 1)[-1] if words else ""
    if name not in {"sh", "bash", "dash", "ash"}:
        return None
    letters = "".join(flag[1:] for flag in flags if flag.startswith("-"))
    return ShellKind(name=name, errexit="e" in letters, pipefail="pipefail" in flags)


@dataclass(slots=True, kw_only=True)
class _Run:
    """One call of make: what it has run so far."""

    makefile: _Makefile
    shell: ShellKind
    exists: Callable[[str], bool]
    found: list[RecipeLine] = field(default_factory=list)
    done: set[str] = field(default_factory=set)

    def make(self, goal: str, depth: int = 0) -> bool:
        """Add what making a goal runs, what it needs first; return False where that is not known."""
        if depth > _DEEPEST:
            return False
        if goal in self.done:
            return True
        self.done.add(goal)
        rule = self.makefile.rules.get(goal)
        if rule is None:
            # A file that no rule makes: it is there, or make ends with an error.
            return not any("%" in target for target in self.makefile.rules)
        if not all(self.make(need, depth + 1) for need in rule.needs):
            return False
        # What is no file of its own is made each time; the rest hangs on times.
        sure = goal in self.makefile.phony or not (self.exists(goal) or "/" in goal or "." in goal)
        for start, end in rule.lines:
            line = self._line(start, end, goal, rule, sure=sure)
            if line is None or len(self.found) >= _MOST_STEPS:
                return False
            self.found.append(line)
        return True

    def _line(self, start: int, end: int, goal: str, rule: _Rule, *, sure: bool) -> RecipeLine | None:
        content = self.makefile.source.content
        prefix = re.compile(rb"[ \t@+-]*").match(content, start, end)
        begin = prefix.end() if prefix else start
        if b"$(" in _REFERENCE.sub(b"", content[begin:end]):
            # A reference within a reference.
            return None
        automatic = {"@": goal, "<": rule.needs[0] if rule.needs else "", "^": " ".join(rule.needs), "MAKE": "make"}
        text, place = Rewritten(self.makefile.source), begin
        for match in _REFERENCE.finditer(content, begin, end):
            text.keep(place, match.start())
            new = _replacement(match, self.makefile, automatic).encode("utf-8", "surrogatepass")
            text.put(new, *match.span())
            place = match.end()
        text.keep(place, end)
        hidden = "`-` before the command lets make go on" if b"-" in content[start:begin] else None
        return RecipeLine(script=text.script(), shell=self.shell, swallowed=hidden, sure=sure)


def _replacement(match: re.Match[bytes], makefile: _Makefile, automatic: Mapping[str, str]) -> str:
    if match[0] == b"$$":
        return "$"
    if match[0].startswith(b"\\"):
        return "\\\n"
    name = (match["round"] or match["curly"] or match["one"] or b"").decode("utf-8", "replace").strip()
    known = automatic.get(name)
    return _value(name, makefile.variables) if known is None else known


def _value(name: str, variables: Mapping[str, str], left: list[int] | None = None) -> str:
    """Return a variable's value, those in it replaced; what refers to itself, or to very many, is not known."""
    left = [_MOST_REFERENCES] if left is None else left
    text = variables.get(name)
    left[0] -= 1
    if text is None or left[0] < 0 or len(text) > _LONGEST:
        return UNKNOWN_TEXT

    def inner(match: re.Match[bytes]) -> bytes:
        if match[0] == b"$$":
            return b"$"
        found = (match["round"] or match["curly"] or match["one"] or b"").decode("utf-8", "replace").strip()
        return _value(found, variables, left).encode("utf-8", "surrogatepass")

    return _REFERENCE.sub(inner, text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")


def _read(source: SourceText, environment: Mapping[str, str]) -> _Makefile | None:
    """Return a Makefile's rules and variables; None where it says more than these."""
    made = _Makefile(source=source, variables=dict(environment))
    current: list[_Rule] = []
    for start, end, text in _logical_lines(source):
        if text.startswith("\t"):
            for rule in current:
                rule.lines.append((start + 1, end))
            continue
        said = re.sub(r"(?:^|\s)#.*", "", text.replace("\\\n", " ")).strip()
        if not said or _EXPORTS.fullmatch(said):
            continue
        if assigned := _ASSIGNS.fullmatch(said):
            _assign(made, assigned)
            continue
        heads = _RULE.fullmatch(said)
        if heads is None or not _add_rule(made, heads, current):
            return None
    return made


def _assign(made: _Makefile, match: re.Match[str]) -> None:
    name, how, value = match["name"], match["how"], match["value"]
    if how == "?=" and name in made.variables:
        return
    if how == "+=" and name in made.variables:
        value = f"{made.variables[name]} {value}"
    # What is worked out at once is so from the variables as they are now.
    now = {**made.variables, name: value}
    made.variables[name] = _value(name, now) if how.startswith(":") and f"({name})" not in value else value


def _add_rule(made: _Makefile, match: re.Match[str], current: list[_Rule]) -> bool:
    targets = _expanded(match["targets"], made).split()
    needs = tuple(_expanded(match["needs"], made).split())
    if targets == [".PHONY"]:
        made.phony |= set(needs)
        return True
    plain = not any(UNKNOWN_TEXT in word for word in (*targets, *needs))
    if not plain or any(target.startswith(".") and target[1:].isupper() for target in targets):
        return False
    current.clear()
    for target in targets:
        rule = made.rules.setdefault(target, _Rule())
        rule.needs = (*rule.needs, *needs)
        current.append(rule)
        made.first = made.first or (None if target.startswith(".") or "%" in target else target)
    return True


def _expanded(text: str, made: _Makefile) -> str:
    return _value("\n", {**made.variables, "\n": text})


def _logical_lines(source: SourceText) -> Iterator[tuple[int, int, str]]:
    """Yield (begin, end, text) of each line, those that end with a backslash together with the next."""
    content, place = source.content, 0
    while place < len(content):
        end = content.find(b"\n", place)
        end = len(content) if end < 0 else end
        while end < len(content) and content[:end].endswith(b"\\"):
            following = content.find(b"\n", end + 1)
            end = len(content) if following < 0 else following
        yield place, end, content[place:end].decode("utf-8", "replace")
        place = end + 1
