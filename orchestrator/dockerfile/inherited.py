"""ONBUILD triggers as instructions of the stages that carry them out: steps that can be witnessed, and have a line.

BuildKit carries out right behind a FROM, as if they stood there, the triggers of what the FROM names. So they are put
there. What they come from no longer has any: of a base, the stage begins with the same image without triggers; in a
stage of the Dockerfile's own, a comment stands in their place. They are taken over only where BuildKit's parser reads
each of them there as it reads it alone, and none takes files from a stage or another image (engine 20.10 finds nothing
in the latter); otherwise the engine carries them out, and nobody sees it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.dockerfile.lines import Inherited, Lines
from orchestrator.dockerfile.parse import parse
from orchestrator.dockerfile.triggers import settles
from orchestrator.errors import DockerfileInvalidError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.dockerfile.model import Dockerfile, Instruction, Stage

_NO_TRIGGERS = frozenset({"MAINTAINER", "ONBUILD"})
"""What an engine refuses as a trigger, in its own words."""

_ONBUILD = re.compile(r"[ \t]*onbuild[ \t]+(?=[a-z])", re.IGNORECASE)
_SPENT = "#"
"""Stands in the place of each line of an own stage's trigger."""


def with_inherited(
    dockerfile: Dockerfile, target: str | None, triggers: Mapping[str, Sequence[str]], *, arguments: Mapping[str, str]
) -> Dockerfile:
    """Return a Dockerfile whose needed stages carry out triggers on lines of their own.

    Own stages' triggers are left where they can be carried out where they stand (triggers.py).

    Args:
        dockerfile: as the user wrote it.
        target: the shipped stage.
        triggers: of the base images, by the reference that FROM has.
        arguments: build arguments.
    """
    return _of_own_stages(_of_bases(dockerfile, target, triggers, arguments), target, arguments)


def inherits(dockerfile: Dockerfile, stage: Stage) -> bool:
    """Return whether a stage carries out its base image's triggers on lines of the text."""
    brought = (dockerfile.lines.trigger(each.line) for each in stage.instructions)
    return stage.base_stage is None and any(each is not None for each in brought)


def _of_bases(
    dockerfile: Dockerfile, target: str | None, triggers: Mapping[str, Sequence[str]], arguments: Mapping[str, str]
) -> Dockerfile:
    brought: dict[int, list[Inherited]] = {}
    for stage in dockerfile.needed(target):
        texts = triggers.get(stage.base, ()) if stage.base_stage is None else ()
        if texts and all(_alone(text) is not None for text in texts):
            line = dockerfile.lines.told(stage.line)
            brought[stage.index] = [Inherited(text=text, image=stage.base, line=line) for text in texts]
    return _carried(dockerfile, brought, (), arguments) if brought else dockerfile


def _of_own_stages(dockerfile: Dockerfile, target: str | None, arguments: Mapping[str, str]) -> Dockerfile:
    brought: dict[int, list[Inherited]] = {}
    spent: list[Instruction] = []
    needed = dockerfile.needed(target)
    for stage in needed:
        own = [each for each in stage.instructions if each.trigger is not None]
        children = [each for each in needed if each.base_stage == stage.index]
        if not own or not children or stage is dockerfile.stage(target) or settles(stage, dockerfile):
            continue
        texts = [_behind_onbuild(dockerfile, each) for each in own]
        read = [None if text is None else _alone(text) for text in texts]
        wanted = [replace(each, keyword=each.trigger or "", trigger=None) for each in own]
        if [each and _said(each) for each in read] != [_said(each) for each in wanted]:
            continue
        spent += own
        for child in children:
            brought[child.index] = [
                Inherited(text=text or "", image=stage.reference, line=dockerfile.lines.told(each.line), own=True)
                for text, each in zip(texts, own, strict=True)
            ]
    return _carried(dockerfile, brought, spent, arguments) if brought else dockerfile


def _carried(
    dockerfile: Dockerfile,
    brought: Mapping[int, Sequence[Inherited]],
    spent: Sequence[Instruction],
    arguments: Mapping[str, str],
) -> Dockerfile:
    """Return the Dockerfile with triggers behind the FROM of stages, and comments in the place of those spent."""
    behind = {stage.last_line: brought.get(stage.index, ()) for stage in dockerfile.stages}
    gone = {line for each in spent for line in range(each.line, each.last_line + 1)}
    rows: list[str] = []
    inherited: dict[int, Inherited] = {}
    originals: dict[int, str] = {}
    for number, row in enumerate(dockerfile.text.split("\n"), start=1):
        rows.append(_SPENT if number in gone else row)
        before = dockerfile.lines.trigger(number)
        original = row if number in gone else dockerfile.lines.spent.get(number)
        if before is not None:
            inherited[len(rows)] = before
        if original is not None:
            originals[len(rows)] = original
        for trigger in behind.get(number, ()):
            for each in _plain(trigger.text).split("\n"):
                rows.append(each)
                inherited[len(rows)] = trigger
    lines = Lines(inherited=inherited, spent=originals)
    try:
        made = parse("\n".join(rows), file=dockerfile.file, arguments=arguments, lines=lines)
    except DockerfileInvalidError:
        return dockerfile
    # Whoever tells a line relies on this: without the triggers' lines, the text is the user's.
    kept = made.lines.written(made.text) == dockerfile.lines.written(dockerfile.text)
    return made if kept and _is_as_meant(made, dockerfile, brought, spent) else dockerfile


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


def _behind_onbuild(dockerfile: Dockerfile, instruction: Instruction) -> str | None:
    """Return the text of an own stage's trigger; None where the word ONBUILD does not stand before it on its line."""
    rows = dockerfile.text.split("\n")[instruction.line - 1 : instruction.last_line]
    word = _ONBUILD.match(rows[0])
    return None if word is None else "\n".join([rows[0][word.end() :], *rows[1:]])


def _is_as_meant(
    made: Dockerfile,
    before: Dockerfile,
    brought: Mapping[int, Sequence[Inherited]],
    spent: Sequence[Instruction],
) -> bool:
    """Return whether a text says what the other one does, with the triggers where they belong, and nothing else."""
    return len(made.stages) == len(before.stages) and all(
        (stage.name, stage.base, stage.base_stage) == (old.name, old.base, old.base_stage)
        and [_said(each) for each in stage.instructions]
        == [
            *(_said(each) for trigger in brought.get(stage.index, ()) if (each := _alone(trigger.text)) is not None),
            *(_said(each) for each in old.instructions if each not in spent),
        ]
        for stage, old in zip(made.stages, before.stages, strict=True)
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
