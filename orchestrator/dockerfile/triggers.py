"""ONBUILD triggers of a Dockerfile's own stages, taken as the instructions that they will be.

BuildKit carries a stage's triggers out at the beginning of every stage that is based on it. Where they are the last
that the stage says, and nothing else uses the stage, it comes to the same to carry them out right where they stand:
then they are steps like any other, which can be witnessed and have a line.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.model import Dockerfile, Instruction, Stage

_SCOPED = frozenset({"ARG"})
"""What holds for one stage alone: it would mean something else in the other one."""


def settled(dockerfile: Dockerfile, target: str | None) -> Dockerfile:
    """Return a Dockerfile with the triggers of its stages carried out where they stand, where that is the same.

    Args:
        dockerfile: as parsed.
        target: the shipped stage; one with triggers keeps them, since its image has them.
    """
    shipped = dockerfile.stage(target)
    stages = tuple(
        replace(stage, instructions=tuple(_carried_out(stage.instructions)))
        if stage is not shipped and settles(stage, dockerfile)
        else stage
        for stage in dockerfile.stages
    )
    return replace(dockerfile, stages=stages) if stages != dockerfile.stages else dockerfile


def _carried_out(instructions: tuple[Instruction, ...]) -> Iterator[Instruction]:
    for each in instructions:
        yield each if each.trigger is None else replace(each, keyword=each.trigger, trigger=None)


def settles(stage: Stage, dockerfile: Dockerfile) -> bool:
    """Return whether it is the same to carry a stage's triggers out where they stand."""
    first = next((n for n, each in enumerate(stage.instructions) if each.trigger is not None), None)
    if first is None or not any(other.base_stage == stage.index for other in dockerfile.stages):
        return False
    used = any(
        dockerfile.stage_of(reference, before=other.index) is stage
        for other in dockerfile.stages
        for each in other.instructions
        for reference in each.references
    )
    scoped = any(each.keyword in _SCOPED or each.trigger in _SCOPED for each in stage.instructions)
    return not used and not scoped and all(each.trigger is not None for each in stage.instructions[first:])
