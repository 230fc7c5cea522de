"""Reads a Dockerfile into the model, by BuildKit's own parser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.dockerfile.lines import Lines
from orchestrator.dockerfile.model import Dockerfile, Instruction, Stage
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
