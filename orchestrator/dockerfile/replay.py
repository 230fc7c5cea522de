"""Stages built once more with other sources: their own lines, with files put in right before one of their steps.

What stands before that step is the same text, so it comes from the layer cache; the step and what follows it are
carried out on the planted files, with the flags, shell, user and folder that they have in the build itself.
"""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.dockerfile.edit import TOKEN, Edit
from orchestrator.dockerfile.evidence_stages import optional
from orchestrator.dockerfile.parse import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from orchestrator.dockerfile.model import Dockerfile, Instruction, Stage

REPLAY_STAGE = "twinbuild-replay"
"""The stage from which the programs of the replays are read, each below the number of its replay."""

_NUMBER = "\0"
"""Stands for a replay's number in the names of its stages."""

_COMPILES = re.compile(r"(?:^|[\s;&|({/\"'])cargo[\"']?\s+(?:\+\S+\s+)?(?:b|build|install|r|run|rustc)\b")
_LEADS_ON = re.compile(r"\.sh\b|\./|\b(?:make|just|ninja|xtask|python3?|perl)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Planting:
    """Files to be put into a stage.

    Attributes:
        image: tag of the image that holds them, below the folders where they go.
        files: their absolute paths.
    """

    image: str
    files: Sequence[str]


def compiling_step(dockerfile: Dockerfile, stage: Stage) -> Instruction | None:
    """Return the last step on a stage's way that lets cargo build; None where none seems to.

    A step whose own text names such a call goes before one that only leads on to a script or to make.
    """
    stages = dockerfile.needed(stage.reference)
    steps = [each for found in stages for each in found.instructions if each.keyword == "RUN"]
    for pattern in (_COMPILES, _LEADS_ON):
        fitting = [each for each in steps if pattern.search(each.script)]
        if fitting:
            return fitting[-1]
    return None


def replayed(
    hardened: str,
    dockerfile: Dockerfile,
    *,
    stage: Stage,
    step: Instruction,
    plantings: Iterable[Planting],
    program: str,
) -> str:
    """Return the hardened text with a stage built once more for each planting, and with what reads the programs.

    Cache mounts are left away: what a stub leaves in one would be found there by the next build.

    Args:
        hardened: the text that is sent; its lines are the Dockerfile's.
        dockerfile: as the user wrote it.
        stage: the stage that holds the program.
        step: the step before which the files are put; of that stage, or of one that it is made from.
        plantings: what is put there.
        program: where the program lies in the stage.
    """
    edit = Edit(parse(hardened, file=dockerfile.file, arguments={}))
    again = _made_from(dockerfile, stage, step)
    heads = {each.index: f"FROM {_base(edit, each, again)} AS {_name(each)}" for each in again}
    for each in again:
        for instruction in each.instructions:
            _redirect(edit, instruction, dockerfile, each, again)
            if instruction.keyword == "RUN" and (each is not again[0] or instruction.line >= step.line):
                _without_caches(edit, instruction)
    rows = edit.text().split("\n")
    lines, copies = [hardened.rstrip("\n")], []
    for number, planting in enumerate(plantings):
        body: list[str] = []
        for each in again:
            body += ["", heads[each.index]]
            for instruction in each.instructions:
                body += _planted(planting) if instruction is step else ()
                body += rows[instruction.line - 1 : instruction.last_line]
        lines += [row.replace(_NUMBER, str(number)) for row in body]
        base = _name(stage).replace(_NUMBER, str(number))
        copies.append(f"COPY --from={base} {json.dumps([optional(program), f'/program/{number}/'])}")
    return "\n".join([*lines, "", f"FROM scratch AS {REPLAY_STAGE}", *copies, ""])


def _made_from(dockerfile: Dockerfile, stage: Stage, step: Instruction) -> list[Stage]:
    """Return the stages on the way from a step to a stage: the step's own, and those that anything comes into from it.

    The step's stage is the first one.
    """
    found: list[Stage] = []
    for each in dockerfile.needed(stage.reference):
        known = {other.index for other in found}
        if step in each.instructions or _sources(dockerfile, each) & known:
            found.append(each)
    return found


def _sources(dockerfile: Dockerfile, stage: Stage) -> set[int]:
    named = (reference for each in stage.instructions for reference in each.references)
    stages = (dockerfile.stage_of(reference, before=stage.index) for reference in named)
    return {each.index for each in stages if each is not None} | {-1 if stage.base_stage is None else stage.base_stage}


def _name(stage: Stage) -> str:
    return f"{REPLAY_STAGE}-{_NUMBER}-{stage.index}"


def _base(edit: Edit, stage: Stage, again: Sequence[Stage]) -> str:
    """Return what a stage's FROM says in the hardened text, the name behind it left away."""
    if stage.base_stage is not None and any(each.index == stage.base_stage for each in again):
        return next(_name(each) for each in again if each.index == stage.base_stage)
    _, flags, start = edit.words(stage.line)
    match = TOKEN.match(edit.original, start)
    image = match[0] if match else stage.base
    return " ".join([*(edit.original[begin:end] for begin, end in flags), image])


def _redirect(
    edit: Edit, instruction: Instruction, dockerfile: Dockerfile, stage: Stage, again: Sequence[Stage]
) -> None:
    """Let COPY --from and RUN --mount take from a replayed stage what they take from the stage itself."""
    _, flags, _ = edit.words(instruction.line)
    for start, end in flags:
        found = re.match(r"--(?:from=|mount=(?:[^,]*,)*?from=)([^,]+)", edit.original[start:end])
        source = dockerfile.stage_of(found[1], before=stage.index) if found else None
        if found is not None and source in again and source is not None:
            edit.replace(start + found.start(1), start + found.end(1), _name(source))


def _without_caches(edit: Edit, instruction: Instruction) -> None:
    _, flags, _ = edit.words(instruction.line)
    for start, end in flags:
        if re.search(r"--mount=(?:\S*,)?type=cache\b", edit.original[start:end]):
            edit.replace(start, end, "")


def _planted(planting: Planting) -> Iterator[str]:
    """Yield the instructions that put the files there: a folder at a time, none of which is touched itself."""
    for folder in dict.fromkeys(map(posixpath.dirname, planting.files)):
        here = [path for path in planting.files if posixpath.dirname(path) == folder]
        yield f"COPY --from={planting.image} {json.dumps([*here, folder.rstrip('/') + '/'])}"
