"""A justfile's recipes, for what `just` is asked to run: https://just.systems/man/en/.

Recipes with parameters, dependencies, string variables, aliases and shebangs are read. Where a justfile says anything
else that may matter, nothing is said of it at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.dockerfile.recipes.model import UNKNOWN_TEXT, RecipeLine, Rewritten
from orchestrator.dockerfile.shell.collect import ShellKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.dockerfile.spans import ScriptText, SourceText

NAMES = ("justfile", "Justfile", ".justfile")
"""Files that just reads without being told."""

_MOST_RUN = 50
"""How many recipes one call may run."""

_HEAD = re.compile(r"@?(?P<name>[A-Za-z_][\w-]*)(?P<parameters>(?:\s+[^:\s][^:]*)?)\s*:(?!=)(?P<needs>[^#]*)(?:#.*)?")
_ASSIGNS = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_][\w-]*)\s*:=\s*(?P<value>.*)")
_ALIAS = re.compile(r"alias\s+(?P<name>[\w-]+)\s*:=\s*(?P<recipe>[\w-]+)")
_STRING = re.compile(r"'(?P<raw>[^']*)'|\"(?P<cooked>[^\"\\]*)\"")
_HARMLESS = re.compile(
    r"set\s+(?:dotenv-\S+|export|positional-arguments|quiet|ignore-comments|allow-duplicate-\S+|windows-\S+|tempdir)\b.*"
    r"|\[(?:private|confirm.*|group.*|doc.*|no-exit-message)\]"
)
_SHELL = re.compile(r"set\s+shell\s*:=\s*\[(?P<words>[^\]]*)\]")
_PARAMETER = re.compile(r"\$?(?P<name>[A-Za-z_][\w-]*)(?:=(?P<default>'[^']*'|\"[^\"\\]*\"))?")
_INTERPOLATED = re.compile(rb"\{\{\{\{|\{\{(?P<inner>[^{}]*)\}\}")


@dataclass(slots=True)
class _Recipe:
    parameters: tuple[tuple[str, str | None], ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    lines: list[tuple[int, int]] = field(default_factory=list)
    """Offsets of its body's lines in the file, the indentation left out."""


@dataclass(slots=True)
class _Justfile:
    source: SourceText
    variables: dict[str, str] = field(default_factory=dict)
    recipes: dict[str, _Recipe] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    shell: ShellKind = field(default_factory=ShellKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class JustCall:
    """What a call of just asks for: a file where it names one, and recipes with their arguments."""

    file: str | None
    words: tuple[str, ...]


def just_call(words: Sequence[str]) -> JustCall | None:
    """Return what the words behind `just` say; None where one is not understood."""
    file, rest = None, list[str]()
    following = iter(words)
    for word in following:
        if word in {"-f", "--justfile"}:
            file = next(following, None)
        elif word.startswith("--justfile="):
            file = word.partition("=")[2]
        elif not rest and word.startswith("-") and word not in {"-q", "--quiet", "--verbose", "-v", "--no-dotenv"}:
            return None
        elif rest or not word.startswith("-"):
            rest.append(word)
    return JustCall(file=file, words=tuple(rest))


def just_lines(source: SourceText, call: JustCall) -> tuple[RecipeLine, ...] | None:
    """Return what just runs for a call, in its order; None where the justfile says more than is understood."""
    justfile = _read(source)
    if justfile is None or not justfile.recipes:
        return None
    found: list[RecipeLine] = []
    words, done = list(call.words or (next(iter(justfile.recipes)),)), set[str]()
    while words:
        name = words.pop(0)
        recipe = justfile.recipes.get(justfile.aliases.get(name, name))
        if recipe is None:
            return None
        given = {}
        for parameter, default in recipe.parameters:
            value = words.pop(0) if words and words[0] not in justfile.recipes else default
            if value is None:
                return None
            given[parameter] = value
        if not _run(justfile, justfile.aliases.get(name, name), given, found, done):
            return None
    return tuple(found)


def _run(justfile: _Justfile, name: str, given: Mapping[str, str], found: list[RecipeLine], done: set[str]) -> bool:
    """Add what a recipe runs; False where that is not known. One that ran already in this call does not run again."""
    recipe = justfile.recipes.get(justfile.aliases.get(name, name))
    if recipe is None or any(parameter not in given and default is None for parameter, default in recipe.parameters):
        return False
    key = f"{name} {sorted(given.items())}"
    if key in done:
        return True
    if len(done) > _MOST_RUN:
        return False
    done.add(key)
    for need in recipe.before:
        if not _run(justfile, need, {}, found, done):
            return False
    values = {**justfile.variables, **{name: default or "" for name, default in recipe.parameters}, **given}
    content = justfile.source.content
    if recipe.lines and content[recipe.lines[0][0] :].startswith(b"#!"):
        shebang = content[slice(*recipe.lines[0])].decode("utf-8", "replace")
        shell = re.search(r"\b(?P<name>(?:ba|da|a|z)?sh)\b(?P<flags>(?:\s+-\w+)*)\s*$", shebang)
        if shell is None:
            return False
        kind = ShellKind(name=shell["name"], errexit="e" in shell["flags"])
        found.append(RecipeLine(script=_text(justfile, recipe.lines[1:], values), shell=kind))
    else:
        found += [_line(justfile, start, end, values) for start, end in recipe.lines]
    return all(_run(justfile, need, {}, found, done) for need in recipe.after)


def _line(justfile: _Justfile, start: int, end: int, values: Mapping[str, str]) -> RecipeLine:
    prefix = re.compile(rb"[@-]*").match(justfile.source.content, start, end)
    begin = prefix.end() if prefix else start
    hidden = "`-` before the command lets just go on" if b"-" in justfile.source.content[start:begin] else None
    return RecipeLine(script=_text(justfile, [(begin, end)], values), shell=justfile.shell, swallowed=hidden)


def _text(justfile: _Justfile, lines: Sequence[tuple[int, int]], values: Mapping[str, str]) -> ScriptText:
    content, text = justfile.source.content, Rewritten(justfile.source)
    for start, end in lines:
        place = start
        for match in _INTERPOLATED.finditer(content, start, end):
            text.keep(place, match.start())
            inner = (match["inner"] or b"").decode("utf-8", "replace").strip()
            known = "{{" if match["inner"] is None else values.get(inner, UNKNOWN_TEXT)
            text.put(known.encode("utf-8", "surrogatepass"), *match.span())
            place = match.end()
        text.keep(place, end)
        text.put(b"\n", end, end + 1)
    return text.script()


def _read(source: SourceText) -> _Justfile | None:
    """Return a justfile's recipes and variables; None where it says more than these."""
    made, current, indent = _Justfile(source=source), None, b""
    place = 0
    for row in source.content.split(b"\n"):
        start, place = place, place + len(row) + 1
        if row[:1] in {b" ", b"\t"} and row.strip():
            blank = row[: len(row) - len(row.lstrip())]
            if current is None or (current.lines and not _continues(source, current) and not blank.startswith(indent)):
                return None
            indent = indent if current.lines else blank
            _add_line(source, current, start + min(len(indent), len(blank)), start + len(row))
            continue
        text = row.decode("utf-8", "replace").strip()
        if not text:
            continue
        current = None
        if text.startswith("#") or _HARMLESS.fullmatch(text) or _said(made, text):
            continue
        head = _HEAD.fullmatch(text)
        current = _recipe(head) if head else None
        if head is None or current is None or head["name"] in made.recipes:
            return None
        made.recipes[head["name"]], indent = current, b""
    return made


def _continues(source: SourceText, recipe: _Recipe) -> bool:
    return source.content[: recipe.lines[-1][1]].endswith(b"\\")


def _add_line(source: SourceText, recipe: _Recipe, start: int, end: int) -> None:
    """Add a line of a body; one behind a backslash belongs to the line before it, unless the body is a script."""
    if recipe.lines and _continues(source, recipe) and not source.content[recipe.lines[0][0] :].startswith(b"#!"):
        recipe.lines[-1] = (recipe.lines[-1][0], end)
    else:
        recipe.lines.append((start, end))


def _said(made: _Justfile, text: str) -> bool:
    """Take in an assignment, an alias or the shell; False where a line is none of these."""
    if alias := _ALIAS.fullmatch(text):
        made.aliases[alias["name"]] = alias["recipe"]
    elif shell := _SHELL.fullmatch(text):
        words = [match["raw"] or match["cooked"] or "" for match in _STRING.finditer(shell["words"])]
        name = words[0].rsplit("/", 1)[-1] if words else ""
        if name not in {"sh", "bash", "dash", "ash", "zsh"}:
            return False
        letters = "".join(word[1:] for word in words[1:] if word.startswith("-"))
        made.shell = ShellKind(name=name, errexit="e" in letters, pipefail="pipefail" in words)
    elif not text.startswith(("alias", "set ")) and (assigned := _ASSIGNS.fullmatch(text)):
        value = _STRING.fullmatch(re.sub(r"\s+#.*", "", assigned["value"]))
        made.variables[assigned["name"]] = UNKNOWN_TEXT if value is None else value["raw"] or value["cooked"] or ""
    else:
        return False
    return True


def _recipe(head: re.Match[str]) -> _Recipe | None:
    parameters = []
    for word in head["parameters"].split():
        match = _PARAMETER.fullmatch(word)
        if match is None:
            return None
        default = match["default"]
        parameters.append((match["name"], None if default is None else default[1:-1]))
    before, _, after = head["needs"].partition("&&")
    if not re.fullmatch(r"[\w\s&-]*", head["needs"]):
        return None
    return _Recipe(parameters=tuple(parameters), before=tuple(before.split()), after=tuple(after.split()))
