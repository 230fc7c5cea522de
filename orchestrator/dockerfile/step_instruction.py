"""Which instruction a build step is, by the name that BuildKit gives it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.dockerfile.model import Dockerfile, Instruction, Stage


def step_instruction(dockerfile: Dockerfile, name: str) -> Instruction | None:
    """Return the instruction that a build step is, by BuildKit's name for it (`[builder 5/7] RUN cargo build`).

    BuildKit counts FROM (unless it is scratch or another stage), RUN, COPY, ADD and WORKDIR.
    """
    match = re.match(r"\[(?:(?P<stage>[^\]]*?) +)?(?P<number>\d+)/\d+\] ", name)
    if match is None:
        return None
    stage = _named(dockerfile, match["stage"])
    if stage is None:
        return None
    counted = [found for found in stage.instructions if found.keyword in {"RUN", "COPY", "ADD", "WORKDIR"}]
    first = 2 if stage.base_stage is None and stage.base != "scratch" else 1
    place = int(match["number"]) - first
    return counted[place] if 0 <= place < len(counted) else None


def _named(dockerfile: Dockerfile, name: str | None) -> Stage | None:
    if name is None:
        return dockerfile.stages[0]
    # A platform may stand before the stage's name: `[linux/amd64 builder 2/5]`.
    word = name.split()[-1].lower()
    numbered = re.fullmatch(r"stage-(\d+)", word)
    for stage in dockerfile.stages:
        if stage.name == word or (numbered and stage.index == int(numbered[1])):
            return stage
    return None
