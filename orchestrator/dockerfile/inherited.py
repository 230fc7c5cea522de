"""ONBUILD triggers of base images, taken as instructions: steps that can be witnessed, and that are told by their FROM.

BuildKit carries the triggers out that an image's configuration names, right behind the FROM that names the image, as if
they stood there. So they are put there, and the stage begins with the same image without triggers. They are taken over
only where BuildKit's parser reads each of them there as it reads it alone, and no trigger takes files from a stage or
another image (engine 20.10 finds nothing in the latter); otherwise the engine carries them out, and nobody sees it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.dockerfile.lines import Inherited, Lines
from orchestrator.dockerfile.model import parse
from orchestrator.errors import DockerfileInvalidError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.dockerfile.model import Dockerfile, Instruction, Stage

_NO_TRIGGERS = frozenset({"MAINTAINER", "ONBUILD"})
"""What an engine refuses as a trigger, in its own words."""


def with_inherited(
    dockerfile: Dockerfile, target: str | None, triggers: Mapping[str, Sequence[str]], *, arguments: Mapping[str, str]
) -> Dockerfile:
    """Return a Dockerfile whose needed stages carry out the triggers of their base images on lines of their own.

    Args:
        dockerfile: as the user wrote it.
        target: the shipped stage.
        triggers: of the base images, by the reference that FROM has.
        arguments: build arguments.
    """
    brought: dict[int, list[Instruction]] = {}
    behind: dict[int, Stage] = {}
    for stage in dockerfile.needed(target):
        texts = triggers.get(stage.base, ()) if stage.base_stage is None else ()
        read = [_alone(text) for text in texts]
        known = [each for each in read if each is not None]
        if texts and len(known) == len(read):
            brought[stage.index], behind[stage.last_line] = known, stage
    if not brought:
        return dockerfile
    rows: list[str] = []
    inherited: dict[int, Inherited] = {}
    for number, row in enumerate(dockerfile.text.split("\n"), start=1):
        rows.append(row)
        if number in behind:
            base, line = behind[number].base, behind[number].line
            for trigger in triggers[base]:
                for each in _plain(trigger).split("\n"):
                    rows.append(each)
                    inherited[len(rows)] = Inherited(text=trigger, image=base, line=line)
    lines = Lines(inherited=inherited)
    try:
        made = parse("\n".join(rows), file=dockerfile.file, arguments=arguments, lines=lines)
    except DockerfileInvalidError:
        return dockerfile
    return made if _is_as_meant(made, dockerfile, brought) else dockerfile


def inherits(dockerfile: Dockerfile, stage: Stage) -> bool:
    """Return whether a stage carries out its base's triggers on lines of the text."""
    return any(dockerfile.lines.trigger(each.line) is not None for each in stage.instructions)


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").strip("\n")


def _alone(text: str) -> Instruction | None:
    """Return what the engine reads a trigger as; None where that is not one instruction which can be taken over."""
    if text.lstrip().startswith("#"):
        return None
    try:
        read = parse(f"FROM scratch\n{_plain(text)}\n", file="", arguments={})
    except DockerfileInvalidError:
        return None
    found = [each for stage in read.stages for each in stage.instructions]
    if len(read.stages) != 1 or len(found) != 1 or found[0].keyword in _NO_TRIGGERS or found[0].references:
        return None
    return found[0]


def _is_as_meant(made: Dockerfile, written: Dockerfile, brought: Mapping[int, Sequence[Instruction]]) -> bool:
    """Return whether a text says what the user's does, with the triggers where they belong, and nothing else."""
    return len(made.stages) == len(written.stages) and all(
        (stage.name, stage.base, stage.base_stage) == (before.name, before.base, before.base_stage)
        and [_said(each) for each in stage.instructions]
        == [_said(each) for each in (*brought.get(stage.index, ()), *before.instructions)]
        for stage, before in zip(made.stages, written.stages, strict=True)
    )


def _said(instruction: Instruction) -> tuple[object, ...]:
    return (
        instruction.keyword,
        instruction.trigger,
        instruction.flags,
        instruction.values,
        instruction.json,
        instruction.heredocs,
    )
