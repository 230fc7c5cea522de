"""Which RUN step made a witnessed call of cargo, as far as the Dockerfile's text tells.

The witness knows the stage, the arguments and mostly the step's own text, in the order of the calls; the Dockerfile
knows lines. Where the text of a step does not tell (two steps with the same one, a step whose text could not be read),
a call belongs to the first step, from where the one before it was found, that names cargo with these arguments; one
that no step names (a loop, a script, make) belongs to the first step that can lead to it.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.dockerfile.subcommands import LINKING_NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.dockerfile.model import Dockerfile, Instruction

_ENDS = frozenset({"&&", "||", ";", "|", "&", ")", ";;", "|&"})
_LOOPS = re.compile(r"\b(?:for|while|until|xargs|find)\b")
_LEADS_ON = re.compile(r"\.sh\b|\./|\b(?:make|just|sh|bash|ash|dash|ninja|python3?|perl)\s")
_BUILDS = frozenset({"b", "bench", "build", "r", "run", "rustc", "t", "test"})
"""Cargo's own subcommands to which `--lib` means the library alone."""

_TAKES_A_VALUE = frozenset({"-C", "-Z", "--color", "--config"})
"""Options that may stand before the subcommand, with their value as a word of its own."""

_PROGRAMS_TOO = frozenset(
    {"--all-targets", "--bin", "--bins", "--bench", "--benches", "--example", "--examples", "--test", "--tests"}
)
"""What `--lib` may stand beside: cargo builds all that is named."""

_ANY = re.compile(r"[$`]")
_HANDLES = frozenset(
    {"cat", "chmod", "chown", "cp", "echo", "file", "install", "ln", "ls", "mv", "printf", "readlink", "rm", "stat"}
    | {"strip", "tar", "test", "touch", "[", "[["}
)
"""Programs to which a path that ends with `/cargo` is a file, and no command."""

_LEADS_IN = re.compile(r"\w+=.*|if|then|else|elif|do|while|until|!|\{|\(|\$|\$\(|sudo|time", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class CargoCall:
    """A call of cargo that a RUN step names.

    Attributes:
        line: of the RUN instruction.
        arguments: as far as the text tells; a word with a `$` or a backtick may be anything.
        repeated: it may run more than once (in a loop).
        by_path: cargo is called by its path, so nothing that stands before it in PATH is met.
    """

    line: int
    arguments: tuple[str, ...]
    repeated: bool
    by_path: bool

    @property
    def links(self) -> bool:
        """Return whether such a call can link a program."""
        return may_link(self.arguments)

    def is_exactly(self, arguments: Sequence[str]) -> bool:
        """Return whether a call's arguments are these."""
        return self.arguments == tuple(arguments)

    def may_be(self, arguments: Sequence[str]) -> bool:
        """Return whether a call's arguments can be these, given what only the shell knows."""
        if not any(_ANY.search(word) for word in self.arguments):
            return False
        # A variable may be one word, none, or several.
        pattern = "\0".join(".*" if _ANY.search(word) else re.escape(word) for word in self.arguments)
        pattern = re.sub(r"\0?\.\*", ".*", pattern)
        return re.fullmatch(pattern, "\0".join(arguments), re.DOTALL) is not None


def may_link(arguments: Sequence[str]) -> bool:
    """Return whether a call of cargo can link a program; True also where its subcommand is not known."""
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    if any(_ANY.search(word) for word in own):
        return subcommand_links(own)
    chosen = {word.partition("=")[0] for word in own}
    library_alone = _subcommand(own) in _BUILDS and "--lib" in chosen and chosen.isdisjoint(_PROGRAMS_TOO)
    return subcommand_links(own) and not library_alone


def subcommand_links(arguments: Sequence[str]) -> bool:
    """Return whether a call's subcommand is one that can link a program; True also where it is not known."""
    return _subcommand(arguments) not in LINKING_NOTHING


def _subcommand(arguments: Sequence[str]) -> str:
    words = iter(arguments)
    for word in words:
        if word in _TAKES_A_VALUE:
            next(words, None)
        elif not word.startswith(("-", "+")):
            return word
    return ""


def cargo_calls(instruction: Instruction) -> tuple[CargoCall, ...]:
    """Return the calls of cargo that a RUN step names, in the order of its text."""
    script = instruction.script
    repeated = _LOOPS.search(script) is not None
    return tuple(
        CargoCall(line=instruction.line, arguments=words[1:], repeated=repeated, by_path="/" in words[0])
        for words in _commands(script)
    )


def place_calls(dockerfile: Dockerfile, calls: Sequence[tuple[int, Sequence[str], str]]) -> list[int | None]:
    """Return the line of the RUN step that made each call, None where the text does not tell.

    Args:
        dockerfile: the file.
        calls: stage index, arguments and the step's text (empty where it is not known), oldest first within a stage.
    """
    steps = {stage.index: _Steps([i for i in stage.instructions if i.keyword == "RUN"]) for stage in dockerfile.stages}
    return [steps[stage].line_of(words, text) if stage in steps else None for stage, words, text in calls]


class _Steps:
    """The RUN steps of one stage, and how far its calls have come."""

    def __init__(self, instructions: Sequence[Instruction]) -> None:
        self._instructions = [(each, _squeezed(each.script)) for each in instructions]
        self._named = [call for each in instructions for call in cargo_calls(each)]
        self._next, self._line = 0, 0

    def line_of(self, arguments: Sequence[str], text: str) -> int | None:
        fitting = self._with_text(text)
        if len(fitting) == 1:
            return self._reached(fitting[0].line, self._after(fitting[0].line, arguments))
        candidates = fitting or [instruction for instruction, _ in self._instructions]
        lines = {each.line for each in candidates}
        rest = [(n, call) for n, call in enumerate(self._named) if n >= self._next and call.line in lines]
        for number, call in rest:
            if call.is_exactly(arguments):
                return self._reached(call.line, number if call.repeated else number + 1)
        for number, call in rest:
            if call.may_be(arguments):
                return self._reached(call.line, number)
        for instruction in candidates:
            if instruction.line >= self._line and _LEADS_ON.search(instruction.script):
                return self._reached(instruction.line, self._next)
        return None

    def _with_text(self, text: str) -> list[Instruction]:
        """Return the steps whose text this is; several where they have the same one."""
        said = _squeezed(text)
        fitting = [(each, script) for each, script in self._instructions if script and said.endswith(script)]
        longest = max((len(script) for _, script in fitting), default=0)
        return [each for each, script in fitting if len(script) == longest]

    def _after(self, line: int, arguments: Sequence[str]) -> int:
        """Return where the next call may be named, when one with these arguments was made on a line."""
        for number, call in enumerate(self._named):
            if number >= self._next and call.line == line and call.is_exactly(arguments):
                return number if call.repeated else number + 1
        return next((number for number, call in enumerate(self._named) if call.line >= line), len(self._named))

    def _reached(self, line: int, following: int) -> int:
        self._line, self._next = line, max(following, self._next)
        return line


def _squeezed(text: str) -> str:
    """Return a text without blanks: how a step is broken into lines says nothing."""
    return "".join(text.replace("\\\n", "").split())


def _commands(script: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of each call of cargo, redirections left out."""
    words = _words(script)
    for number, word in enumerate(words):
        if word != "cargo" and (not word.endswith("/cargo") or _is_file(words[:number])):
            continue
        found = [word]
        skip = False
        behind = words[number + 1 :]
        for following, after in zip(behind, [*behind[1:], ""], strict=False):
            if skip:
                skip = False
            elif following in _ENDS:
                break
            elif set(following) & {"<", ">"}:
                skip = True
            elif not (following.isdigit() and set(after) & {"<", ">"}):
                found.append(following)
        yield tuple(found)


def _is_file(before: Sequence[str]) -> bool:
    """Return whether a path is an argument of a program that handles files, by the words before it."""
    begin = next((n for n in range(len(before), 0, -1) if before[n - 1] in _ENDS), 0)
    command = next((word for word in before[begin:] if not _LEADS_IN.fullmatch(word)), "")
    return command.rsplit("/", 1)[-1] in _HANDLES


def _words(script: str) -> list[str]:
    lexer = shlex.shlex(script.replace("\\\n", " ").replace("\n", " ; "), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError:  # An unclosed quote: more than words.
        return script.split()
