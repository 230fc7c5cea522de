"""From a Dockerfile to the timeline of each of its stages, scripts that are copied and run included."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.dockerfile.recipes.call import recipe_lines
from orchestrator.dockerfile.recipes.model import RecipeLine
from orchestrator.dockerfile.run_text import command_span, json_words, shell_text
from orchestrator.dockerfile.shell.collect import ShellKind
from orchestrator.dockerfile.shell.model import UNKNOWN, Command, Word
from orchestrator.dockerfile.shell.read import read_script, shell_kind
from orchestrator.dockerfile.spans import SourceText, whole
from orchestrator.dockerfile.timeline.arrivals import arrival, bound, cache_mounts
from orchestrator.dockerfile.timeline.effects import Setting, effects
from orchestrator.dockerfile.timeline.events import Ran, Step, Unreadable, Written
from orchestrator.dockerfile.timeline.files import Reach
from orchestrator.dockerfile.timeline.stage import StageState
from orchestrator.dockerfile.trace import walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from orchestrator.dockerfile.model import Dockerfile, Instruction, Stage
    from orchestrator.dockerfile.spans import ScriptText
    from orchestrator.dockerfile.timeline.events import Arrived
    from orchestrator.dockerfile.timeline.project import BuildContext
    from orchestrator.dockerfile.trace import Placed

_SHELLS = frozenset({"sh", "bash", "dash", "ash", "source", ".", "zsh"})
_SYSTEM = ("/bin/", "/usr/", "/sbin/", "/opt/", "/root/", "/home/")
_DEEPEST_SCRIPT = 3
_MOST_FOLLOWED = 2000
"""How many scripts and recipe lines of a Dockerfile are followed: a Makefile may call itself in each of its lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A Dockerfile with what happens in it.

    Attributes:
        states: of each stage, at its end.
        places: each stage's instructions with directory and variables, those of the stages below included.
        scripts: what was read besides the Dockerfile, by name.
    """

    dockerfile: Dockerfile
    source: SourceText
    context: BuildContext | None
    states: tuple[StageState, ...]
    places: tuple[tuple[Placed, ...], ...]
    scripts: Mapping[str, SourceText]


def read_timeline(dockerfile: Dockerfile, *, context: BuildContext | None, arguments: Mapping[str, str]) -> Timeline:
    """Return the timeline of a Dockerfile.

    Args:
        dockerfile: parsed.
        context: the project that it is built with, where known.
        arguments: build arguments.
    """
    source = SourceText(dockerfile.file, dockerfile.text)
    reader = _Reader(dockerfile, source, context)
    places = []
    for stage in dockerfile.stages:
        walked = tuple(
            walk(dockerfile, stage, arguments=arguments, base_environment=lambda _reference: {}, unset=UNKNOWN)
        )
        places.append(walked)
        reader.stage(stage, walked)
    return Timeline(
        dockerfile=dockerfile,
        source=source,
        context=context,
        states=tuple(reader.states),
        places=tuple(places),
        scripts=reader.scripts,
    )


class _Reader:
    def __init__(self, dockerfile: Dockerfile, source: SourceText, context: BuildContext | None) -> None:
        self._dockerfile, self._source, self._context = dockerfile, source, context
        self.states: list[StageState] = []
        self.scripts: dict[str, SourceText] = {}
        self._followed = 0

    def stage(self, stage: Stage, walked: tuple[Placed, ...]) -> None:
        base = stage.base_stage
        state = StageState(context=self._context) if base is None else self.states[base].child()
        shell = ShellKind()
        for placed in _beginning_in_project(walked):
            instruction = placed.instruction
            if instruction.keyword == "SHELL":
                shell = shell_kind(instruction.values)
            elif placed.stage is stage:
                if instruction.keyword in {"COPY", "ADD"}:
                    self._copy(state, placed)
                elif instruction.keyword == "RUN":
                    self._run(state, placed, dict(placed.environment), shell)
        self.states.append(state)

    def _copy(self, state: StageState, placed: Placed) -> None:
        instruction, step = placed.instruction, self._step(placed, {})
        arrived = arrival(placed, context=self._context, step=step)
        if arrived is None:
            return
        if instruction.heredocs:
            for name, text in zip(instruction.values[:-1], instruction.heredocs, strict=False):
                base = re.sub(r"^<<-?[\"']?|[\"']$", "", name)
                path = posixpath.join(arrived.to, base) if arrived.folder else arrived.to
                state.take(Written(path=path, content=text, span=step.span, step=step))
            return
        if self._brings_stub(arrived):
            state.take(Written(path=arrived.to, content=None, span=step.span, step=step))
            return
        state.take(arrived)
        if arrived.origin is not None and instruction.keyword == "COPY":
            other = self._dockerfile.stage_of(arrived.origin, before=placed.stage.index)
            for source in arrived.sources if other is not None else ():
                state.inherit(self.states[other.index if other else 0], source="/" + source.strip("/"), to=arrived.to)

    def _brings_stub(self, arrived: Arrived) -> bool:
        """Return whether a file is copied onto a target's root under another name: `COPY dummy.rs src/main.rs`."""
        if arrived.origin is not None or arrived.folder or len(arrived.sources) != 1 or not arrived.to.endswith(".rs"):
            return False
        return posixpath.basename(arrived.sources[0]) != posixpath.basename(arrived.to)

    def _run(self, state: StageState, placed: Placed, variables: dict[str, str], shell: ShellKind) -> None:
        mounts = dict(cache_mounts(placed))
        step = self._step(placed, mounts)
        for mounted in bound(placed, context=self._context, step=step):
            state.take(mounted)
        setting = Setting(directory=placed.directory, step=step)
        for command in self._commands(placed.instruction, variables, shell):
            self._take(state, command, setting, depth=0)

    def _commands(self, instruction: Instruction, variables: dict[str, str], shell: ShellKind) -> Iterator[Command]:
        if not instruction.json:
            script = shell_text(self._source, instruction, self._dockerfile.escape)
            if script is not None:
                first = script.content.split(b"\n", 1)[0].decode("utf-8", "replace")
                kind = shell_kind(first[2:].split()) if first.startswith("#!") else shell
                yield from read_script(script, variables=variables, shell=kind)
            return
        yield from exec_commands(self._source, instruction, variables)

    def _take(self, state: StageState, command: Command, setting: Setting, *, depth: int) -> None:
        found = self._script(state, command, setting)
        if found is not None and depth < _DEEPEST_SCRIPT:
            self._follow(state, command, [RecipeLine(script=found[0], shell=found[1])], setting, depth=depth)
            return
        lines = self._recipe(state, command, setting) if depth < _DEEPEST_SCRIPT else None
        if lines is not None:
            self._follow(state, command, lines, setting, depth=depth)
            return
        if _script_path(command) is not None:
            place = Setting(directory=setting.directory, step=setting.step)
            for event in effects(command, place):
                if isinstance(event, Ran):
                    state.take(event)
            state.take(Unreadable(name=_script_path(command) or "", span=command.span, step=setting.step))
            return
        for event in effects(command, setting):
            state.take(event)

    def _follow(
        self, state: StageState, command: Command, lines: Iterable[RecipeLine], setting: Setting, *, depth: int
    ) -> None:
        """Take in what a script or a recipe does that a command runs."""
        for line in lines:
            self._followed += 1
            if self._followed > _MOST_FOLLOWED:
                state.take(Unreadable(name=command.name, span=command.span, step=setting.step))
                return
            if line.script.source is not self._source:
                self.scripts[line.script.source.file] = line.script.source
            folder = posixpath.join(command.directory, line.folder) if line.folder != "." else command.directory
            inherited = command.swallowed or line.swallowed
            for inner in read_script(line.script, variables=command.environment, shell=line.shell, directory=folder):
                hidden, sure = inner.swallowed or inherited, command.sure and line.sure and inner.sure
                self._take(state, replace(inner, swallowed=hidden, sure=sure), setting, depth=depth + 1)

    def _recipe(self, state: StageState, command: Command, setting: Setting) -> Sequence[RecipeLine] | None:
        """Return what `make` or `just` runs, where its file comes from the context and is understood."""
        if self._context is None or UNKNOWN in command.directory or not all(word.known for word in command.words):
            return None
        folder = posixpath.normpath(posixpath.join(setting.directory, command.directory))

        def exists(path: str) -> bool:
            return any(each.origin is not None or each.reach(path) is not Reach.NO for each in state.arrivals)

        return recipe_lines(command, folder, read=lambda path: self._arrived(state, path), exists=exists)

    def _arrived(self, state: StageState, path: str) -> SourceText | None:
        """Return a text file of a stage that comes from the context; None where none surely does."""
        for arrived in reversed(state.arrivals):
            source = arrived.source_of(path) if arrived.origin is None else None
            text = self._context.read(source) if source is not None and self._context is not None else None
            if source is not None and text is not None and self._context is not None:
                return SourceText(self._context.shown(source), text.replace("\r\n", "\n"))
        return None

    def _script(self, state: StageState, command: Command, setting: Setting) -> tuple[ScriptText, ShellKind] | None:
        """Return the script that a command runs: a here-document, or a file where the context has it."""
        named = _script_path(command)
        given = next((each.script for each in command.redirections if each.script is not None), None)
        if named is None and given is not None and command.name in _SHELLS:
            return given, shell_kind([word.text for word in command.words])
        if named is None or self._context is None or UNKNOWN in named or UNKNOWN in command.directory:
            return None
        path = posixpath.normpath(posixpath.join(setting.directory, command.directory, named))
        source = self._arrived(state, path)
        if source is None:
            return None
        first = source.text.split("\n", 1)[0]
        if first.startswith("#!") and not re.search(r"\b(?:ba|da|a|z|k)?sh\b", first):
            return None
        words = first[2:].split() if first.startswith("#!") else ["/bin/sh"]
        by_name = command.name if command.name in _SHELLS - {"source", "."} else None
        return whole(source), shell_kind([by_name] if by_name else words)

    def _step(self, placed: Placed, mounts: dict[str, str]) -> Step:
        return Step(
            stage=placed.stage.index,
            instruction=placed.instruction,
            mounts=mounts,
            span=command_span(self._source, placed.instruction),
        )


_NEW = re.compile(r"\bcargo\s+(?:new|init)\b[^;&|]*?\s(?P<name>[A-Za-z][\w-]*)\s*(?:$|[;&|])")


def _beginning_in_project(walked: tuple[Placed, ...]) -> Iterator[Placed]:
    """Yield a stage's instructions; where `cargo new app` comes before any WORKDIR, from the folder that holds it.

    The base image may have a folder of its own to begin in. What is made there is what a later `WORKDIR /…/app` means.
    """
    first = next((n for n, placed in enumerate(walked) if placed.instruction.keyword == "WORKDIR"), len(walked))
    made = [found["name"] for each in walked[:first] for found in _NEW.finditer(each.instruction.script)]
    folder = walked[first].directory if first < len(walked) else "/"
    begins = posixpath.dirname(folder) if posixpath.basename(folder) in made else "/"
    for number, placed in enumerate(walked):
        yield replace(placed, directory=begins) if number < first and placed.directory == "/" else placed


def exec_commands(source: SourceText, instruction: Instruction, variables: Mapping[str, str]) -> Iterator[Command]:
    """Yield the commands of an exec form: the one it is, or those of the script that it hands to a shell."""
    words = json_words(source, instruction)
    names = [word.text.rsplit("/", 1)[-1] for word in words]
    if len(words) > 2 and names[0] in _SHELLS and "c" in names[1] and names[1].startswith("-"):  # noqa: PLR2004 - sh -c x
        place = next((n for n, word in enumerate(words) if n > 1 and not word.text.startswith("-")), None)
        if place is not None:
            kind = shell_kind([word.text for word in words[:place]])
            yield from read_script(words[place].script, variables=variables, shell=kind)
        return
    if words:
        first, last = words[0].span, words[-1].span
        yield Command(
            words=tuple(Word(text=word.text, glob=False, quoted=True, span=word.span) for word in words),
            environment=variables,
            redirections=(),
            stdin=None,
            swallowed=None,
            sure=True,
            directory=".",
            span=source.span(
                words[0].script.pieces[0][1], words[-1].script.pieces[0][1] + len(words[-1].script.content)
            )
            if first.line == last.line
            else command_span(source, instruction),
        )


def _script_path(command: Command) -> str | None:
    """Return the script that a command runs, None where it runs none."""
    words = [word.text for word in command.words]
    if not words:
        return None
    if words[0].rsplit("/", 1)[-1] in _SHELLS:
        named = [word for word in words[1:] if not word.startswith(("-", "+"))]
        flags = [word for word in words[1:2] if word.startswith("-") and "c" in word]
        return named[0] if named and not flags else None
    if "/" in words[0] and not words[0].startswith(_SYSTEM) and posixpath.basename(words[0]) != "cargo":
        return words[0]
    return words[0] if words[0].endswith(".sh") else None
