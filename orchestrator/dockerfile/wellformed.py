"""What a Dockerfile must be before anything else can be said of it; each refusal has its line."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from orchestrator.errors import DockerfileInvalidError
from orchestrator.location import Location

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.dockerfile.model import Instruction, Stage

_KNOWN = frozenset(
    {"ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER"}
    | {"ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"}
)
_LEAST_WORDS = {"ADD": 2, "ARG": 1, "COPY": 2, "ENV": 2, "RUN": 1, "WORKDIR": 1}


def require_known(instructions: Sequence[Instruction], file: str) -> None:
    """Refuse instructions that do not exist, and those with too few words to be read.

    Raises:
        DockerfileInvalidError: with the line.
    """
    for instruction in instructions:
        if instruction.keyword not in _KNOWN:
            close = difflib.get_close_matches(instruction.keyword, _KNOWN, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise DockerfileInvalidError(
                f"unknown instruction {instruction.keyword}{hint}",
                location=Location(file=file, line=instruction.line),
                repair="correct or remove the line",
            )
        least = _LEAST_WORDS.get(instruction.keyword, 0)
        if len(instruction.values) < least:
            raise DockerfileInvalidError(
                f"{instruction.keyword} has {len(instruction.values)} words; it needs {least} at least",
                location=Location(file=file, line=instruction.line),
                repair="complete or remove the line",
            )


def require_earlier(stages: Sequence[Stage], file: str) -> None:
    """Refuse a `--from` that names its own stage or a later one: the engine takes neither for an image (measured).

    Raises:
        DockerfileInvalidError: with the line.
    """
    for stage in stages:
        for instruction in stage.instructions:
            for reference in instruction.references:
                _require_one_earlier(stage, instruction, reference, stages, file)


def _require_one_earlier(
    stage: Stage, instruction: Instruction, reference: str, stages: Sequence[Stage], file: str
) -> None:
    named = [other.index for other in stages if reference.lower() in {other.name, str(other.index)}]
    if reference.isdigit() and not named:
        raise DockerfileInvalidError(
            f"{instruction.keyword} takes files from stage {reference}; the stages are 0 to {len(stages) - 1}",
            location=Location(file=file, line=instruction.line),
            repair="name the stage with `FROM … AS`, and use the name",
        )
    if named and min(named) >= stage.index:
        where = "itself" if stage.index in named else f"of line {stages[min(named)].line}, which comes later"
        raise DockerfileInvalidError(
            f"{instruction.keyword} takes files from the stage {reference} {where}: "
            "a stage can take files from earlier ones alone",
            location=Location(file=file, line=instruction.line),
            repair="move the stage that is taken from before this one; two stages cannot need each other",
        )
