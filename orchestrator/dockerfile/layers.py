"""Which instruction made a layer of the shipped image."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.dockerfile.model import Dockerfile, Instruction


def layer_instruction(dockerfile: Dockerfile, target: str | None, *, keyword: str, after: int) -> Instruction | None:
    """Return the instruction that made a layer, None where the image's history does not fit the Dockerfile.

    BuildKit writes one entry of history for each instruction, so the entries are counted from the end: those of the
    base come before.

    Args:
        dockerfile: as the user wrote it.
        target: the shipped stage.
        keyword: of the layer's entry in the history.
        after: how many entries come after it.
    """
    stage = dockerfile.stage(target)
    chain = list(stage.instructions)
    while stage.base_stage is not None:
        stage = dockerfile.stages[stage.base_stage]
        chain = [*stage.instructions, *chain]
    place = len(chain) - 1 - after
    found = chain[place] if place >= 0 else None
    return found if found is not None and found.keyword == keyword else None
