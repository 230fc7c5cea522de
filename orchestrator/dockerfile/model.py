"""A Dockerfile as BuildKit's own parser reads it: instructions, stages, lines."""

from __future__ import annotations

import difflib
import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.dockerfile.lines import Lines
from orchestrator.dockerfile.text import read_text
from orchestrator.dockerfile.wellformed import require_earlier, require_known
from orchestrator.dockerfile.words import assignment, expand
from orchestrator.errors import DockerfileInvalidError
from orchestrator.location import Location

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_ESCAPE = re.compile(r"^#\s*escape\s*=\s*(?P<character>[`\\])\s*$", re.IGNORECASE)
_DIRECTIVE = re.compile(r"^#\s*\w+\s*=", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction.

    Attributes:
        keyword: upper case.
        flags: as written (`--from=builder`).
        values: its words; a shell form's text is one word.
        json: whether it was written in exec (JSON) form.
        heredocs: content of here-documents, in order.
        line, last_line: 1-based, in the text (lines.py tells the user's).
        trigger: the keyword behind ONBUILD, whose flags and words these are; None for any other instruction.
    """

    keyword: str
    flags: tuple[str, ...]
    values: tuple[str, ...]
    json: bool
    heredocs: tuple[str, ...]
    line: int
    last_line: int
    trigger: str | None = None

    def flag(self, name: str) -> str | None:
        """Return a flag's value (`from`, `platform`), or None."""
        prefix = f"--{name}="
        return next((flag[len(prefix) :] for flag in self.flags if flag.startswith(prefix)), None)

    @property
    def references(self) -> tuple[str, ...]:
        """Return the stages or images that it takes files from, by COPY --from or RUN --mount."""
        if self.keyword in {"COPY", "ADD"}:
            source = self.flag("from")
            return () if source is None else (source,)
        if self.keyword == "RUN":
            mounts = (flag for flag in self.flags if flag.startswith("--mount="))
            return tuple(match[1] for mount in mounts if (match := re.search(r"[=,]from=([^,]+)", mount)))
        return ()

    @property
    def script(self) -> str:
        """Return a RUN step's shell text; that of an exec form as a shell would have to be given it."""
        if self.json:
            return shlex.join(self.values)
        return "\n".join(self.heredocs or self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage.

    Attributes:
        index: 0-based position.
        name: lower case, as BuildKit compares it; None where it has none.
        base: what FROM names, build arguments replaced.
        base_stage: index of the stage that it is based on; None for an image.
        instructions: what follows FROM.
        line, last_line: of FROM.
    """

    index: int
    name: str | None
    base: str
    base_stage: int | None
    instructions: tuple[Instruction, ...]
    line: int
    last_line: int

    @property
    def reference(self) -> str:
        """Return how other instructions can name this stage: its name, or its number."""
        return self.name or str(self.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dockerfile:
    """A parsed Dockerfile.

    Attributes:
        file: its path for people.
        text: with plain line ends.
        globals: the build arguments that are declared before the first FROM and have a value.
        lines: which lines of the text are the user's.
    """

    file: str
    text: str
    escape: str
    stages: tuple[Stage, ...]
    globals: Mapping[str, str]
    lines: Lines = field(default_factory=Lines)

    def location(self, line: int) -> Location:
        """Return the place in the user's file that a line of the text is told as."""
        return Location(file=self.file, line=self.lines.told(line))

    def instruction(self, line: int) -> Instruction | None:
        """Return the instruction that begins on a line, or None."""
        every = (found for stage in self.stages for found in stage.instructions)
        return next((found for found in every if found.line == line), None)

    def stage(self, target: str | None) -> Stage:
        """Return the stage that a target names (None: the last one).

        Raises:
            DockerfileInvalidError: there is no such stage.
        """
        if target is None:
            return self.stages[-1]
        for stage in self.stages:
            if target.lower() == stage.name or target == str(stage.index):
                return stage
        names = [stage.reference for stage in self.stages]
        close = difflib.get_close_matches(target.lower(), names, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise DockerfileInvalidError(
            f"there is no stage {target!r}; the stages are {', '.join(names)}{hint}",
            location=Location(file=self.file),
            repair="correct `image.target` in the spec, or name the stage with `FROM … AS`",
        )

    def needed(self, target: str | None) -> tuple[Stage, ...]:
        """Return the stages that a target is built from, itself included, in the file's order."""
        wanted, found = [self.stage(target).index], set[int]()
        while wanted:
            index = wanted.pop()
            if index not in found:
                found.add(index)
                wanted += _dependencies(self, self.stages[index])
        return tuple(self.stages[index] for index in sorted(found))

    def stage_of(self, reference: str, *, before: int) -> Stage | None:
        """Return the earlier stage that a `--from` or FROM names, None for an image."""
        for stage in reversed(self.stages[:before]):
            if reference.lower() == stage.name or reference == str(stage.index):
                return stage
        return None


def read_dockerfile(path: Path, *, file: str, arguments: Mapping[str, str]) -> Dockerfile:
    """Read and parse a Dockerfile.

    Args:
        path: where it lies.
        file: its path as people know it.
        arguments: build arguments, which FROM lines may use.

    Raises:
        DockerfileInvalidError: missing, too large, no text, or not understood.
    """
    return parse(read_text(path, file=file), file=file, arguments=arguments)


def parse(text: str, *, file: str, arguments: Mapping[str, str], lines: Lines | None = None) -> Dockerfile:
    """Parse a Dockerfile's text. `lines`: which of its lines are the user's; None: all of them.

    Raises:
        DockerfileInvalidError: the parser does not understand it, or an instruction is unknown.
    """
    import dockerfile as buildkit  # noqa: PLC0415 - a Go runtime starts with it, which `invoke spec` needs not

    text = text.replace("\r\n", "\n")
    if any("\ud800" <= letter <= "\udfff" for letter in text if letter > "\ud7ff"):
        # Half a surrogate pair is no text, and the parser's binding crashes on it.
        raise DockerfileInvalidError(
            "the Dockerfile is no UTF-8 text", location=Location(file=file), repair="save it as UTF-8"
        )
    try:
        commands = buildkit.parse_string(text)
    except buildkit.GoParseError as error:
        said = str(error)
        if "no instructions" in said:
            raise DockerfileInvalidError(
                "the Dockerfile has no instructions: it is empty, or comments alone",
                location=Location(file=file),
                repair="begin with FROM; or correct `image.dockerfile` in the spec",
            ) from error
        line = re.search(r"line (\d+)", said)
        raise DockerfileInvalidError(
            f"the Dockerfile cannot be parsed: {said}",
            location=Location(file=file, line=int(line[1]) if line else None),
            repair="docs.docker.com/reference/dockerfile tells the syntax",
        ) from error
    except UnicodeDecodeError as error:
        # BuildKit's parser takes flags apart byte by byte, in the middle of a character too.
        rows = enumerate(text.split("\n"), start=1)
        raise DockerfileInvalidError(
            "a flag holds a character that BuildKit's parser cannot read",
            location=Location(file=file, line=next((n for n, it in rows if " --" in it and not it.isascii()), None)),
            repair="use plain ASCII in `--…` flags",
        ) from error
    instructions = [_instruction(command) for command in commands]
    require_known(instructions, file)
    variables: dict[str, str] = {}
    stages = tuple(_stages(instructions, file, arguments, variables))
    require_earlier(stages, file)
    return Dockerfile(
        file=file, text=text, escape=_escape(text), stages=stages, globals=variables, lines=lines or Lines()
    )


def _instruction(command: object) -> Instruction:
    found: object = command
    return Instruction(
        keyword=found.cmd.upper(),  # type: ignore[attr-defined]
        flags=tuple(found.flags),  # type: ignore[attr-defined]
        values=tuple(found.value),  # type: ignore[attr-defined]
        json=bool(found.json),  # type: ignore[attr-defined]
        heredocs=tuple(document.content for document in found.heredocs),  # type: ignore[attr-defined]
        line=int(found.start_line),  # type: ignore[attr-defined]
        last_line=int(found.end_line),  # type: ignore[attr-defined]
        trigger=str(found.sub_cmd).upper() if found.sub_cmd else None,  # type: ignore[attr-defined]
    )


def _escape(text: str) -> str:
    for line in text.splitlines():
        match = _ESCAPE.match(line)
        if match:
            return match["character"]
        if not _DIRECTIVE.match(line):
            break
    return "\\"


def _stages(
    instructions: list[Instruction], file: str, arguments: Mapping[str, str], variables: dict[str, str]
) -> Iterator[Stage]:
    """Yield the stages; the arguments that are declared before the first FROM are put into `variables`."""
    starts = [number for number, found in enumerate(instructions) if found.keyword == "FROM"]
    if not starts:
        raise DockerfileInvalidError(
            "the Dockerfile has no FROM", location=Location(file=file), repair="begin with FROM and a base image"
        )
    for instruction in instructions[: starts[0]]:
        if instruction.keyword != "ARG":
            raise DockerfileInvalidError(
                f"{instruction.keyword} stands before the first FROM; only ARG may",
                location=Location(file=file, line=instruction.line),
                repair="move it below a FROM",
            )
        for word in instruction.values:
            name, default = assignment(word)
            given = arguments.get(name, default)
            if given is not None:
                variables[name] = expand(given, variables)
    names: dict[str, int] = {}
    for index, start in enumerate(starts):
        end = starts[index + 1] if index + 1 < len(starts) else len(instructions)
        stage = _stage(index, instructions[start], instructions[start + 1 : end], variables, names, file)
        if stage.name:
            names[stage.name] = index
        yield stage


def _stage(  # noqa: PLR0917 - one caller, one line above
    index: int,
    start: Instruction,
    body: list[Instruction],
    variables: Mapping[str, str],
    names: Mapping[str, int],
    file: str,
) -> Stage:
    words = start.values
    if len(words) not in {1, 3} or (len(words) == 3 and words[1].upper() != "AS"):  # noqa: PLR2004 - image AS name
        raise DockerfileInvalidError(
            f"{' '.join(('FROM', *words))} is not understood; expected FROM image [AS name]",
            location=Location(file=file, line=start.line),
            repair="correct the line",
        )
    base = expand(words[0], variables)
    if not base:
        raise DockerfileInvalidError(
            f"FROM {words[0]} names nothing: its build argument is empty",
            location=Location(file=file, line=start.line),
            repair="give the ARG a default, or set it under `image.args`",
        )
    return Stage(
        index=index,
        name=words[2].lower() if len(words) > 1 else None,
        base=base,
        base_stage=names.get(base.lower()),
        instructions=tuple(body),
        line=start.line,
        last_line=start.last_line,
    )


def _dependencies(dockerfile: Dockerfile, stage: Stage) -> list[int]:
    found = [] if stage.base_stage is None else [stage.base_stage]
    for instruction in stage.instructions:
        for reference in instruction.references:
            source = dockerfile.stage_of(reference, before=stage.index)
            if source is not None:
                found.append(source.index)
    return found
