"""The in-flight rewrite of a Dockerfile: bases pinned, cargo witnessed, crates at hand, evidence readable.

Only the text that is sent to the engine changes, and no line is added, removed or moved, so every line number that the
engine tells is one of the text that was planned with, and that text knows the user's (lines.py). What is needed for
reading the evidence is appended.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.dockerfile.by_path import places_by_path
from orchestrator.dockerfile.edit import TOKEN, Edit
from orchestrator.dockerfile.equip import equip, unequipped
from orchestrator.dockerfile.evidence_stages import evidence_stages
from orchestrator.dockerfile.settings import Guard
from orchestrator.dockerfile.step_shell import step_shells

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.dockerfile.model import Dockerfile, Instruction, Stage
    from orchestrator.dockerfile.step_shell import StepShell


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardening:
    """What to put into a Dockerfile.

    Attributes:
        pins: our own tag by the reference that FROM or COPY --from names.
        guard: decides which of the tool's files a RUN step sees.
        tools: tag of the image with the tool's files; None adds nothing to RUN steps.
        crates: tag of the image with crates; None where there are none.
        cargo_homes: cargo's home by line of the instruction, where it has one: a stage may change it between two steps.
        programs: paths to read out of stages: (stage index, path).
        certificates: tag of the image with the certificate authorities that are lent to RUN steps; None lends none.
        git_crates: whether the image with crates has those from git repositories, too.
        covered: (image, path in it) of the cargo that a step on a detour reaches, by the step's line.
        dependencies: tag of the image with what the host has compiled; None compiles everything in the image.
        bare: tag of the base without its ONBUILD triggers, by the index of a stage that has them in its own lines.
    """

    pins: Mapping[str, str]
    guard: Guard
    tools: str | None
    crates: str | None
    cargo_homes: Mapping[int, str]
    programs: Sequence[tuple[int, str]]
    covered: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    git_crates: bool = False
    certificates: str | None = None
    dependencies: str | None = None
    bare: Mapping[int, str] = field(default_factory=dict)


def harden(dockerfile: Dockerfile, target: str | None, hardening: Hardening) -> str:
    """Return the text to send."""
    edit = Edit(dockerfile)
    shells = step_shells(dockerfile)
    needed = dockerfile.needed(target)
    solved = {dockerfile.stage(target).index, *(index for index, _ in hardening.programs)}
    witnesses = []
    for stage in needed:
        _pin_base(edit, stage, hardening)
        if stage.index in solved and stage.name is None:
            _name(edit, stage, sent_name(stage))
        for instruction in stage.instructions:
            if instruction.keyword != "ONBUILD":
                edit.carry_out(instruction.line)
            if instruction.keyword in {"COPY", "RUN"}:
                _pin_sources(edit, instruction, hardening.pins)
        if _equip(edit, stage, shells, hardening):
            witnesses.append(stage)
    told = witnesses if hardening.guard is not Guard.OFF else ()
    return edit.text() + evidence_stages(dockerfile, target, told, hardening.programs)


def sent_name(stage: Stage) -> str:
    """Return the name of the shipped stage, or of one that holds a program, in the text that is sent.

    A stage without a name gets the one that BuildKit shows for it: only a name can be a build's target
    (engines know no numbers there), and the shipped stage is no longer the last one.
    """
    return stage.name or f"stage-{stage.index}"


def without_hardening(text: str) -> str:
    """Return a step's text as the user wrote it: for display, and for an image's history."""
    return unequipped(text)


def _equip(edit: Edit, stage: Stage, shells: Mapping[int, StepShell], hardening: Hardening) -> bool:
    """Equip a stage's RUN steps and return whether there were any to equip."""
    if hardening.tools is None:
        return False
    equipped = [
        equip(
            edit,
            instruction,
            shells[instruction.line],
            tools=(hardening.tools, hardening.guard),
            covered=hardening.covered.get(instruction.line),
            crates=hardening.crates,
            git=hardening.git_crates,
            certificates=hardening.certificates,
            home=hardening.cargo_homes.get(instruction.line),
            dependencies=hardening.dependencies,
            by_path=places_by_path(edit.original, instruction, edit.escape),
        )
        for instruction in stage.instructions
        if instruction.keyword == "RUN"
    ]
    return any(equipped)


def _pin_base(edit: Edit, stage: Stage, hardening: Hardening) -> None:
    pinned = None
    if stage.base_stage is None:
        pinned = hardening.bare.get(stage.index) or hardening.pins.get(stage.base)
    image = _image(edit, stage)
    if pinned is not None and image is not None:
        edit.replace(*image, pinned)


def _name(edit: Edit, stage: Stage, name: str) -> None:
    """Give a stage a name, behind what its FROM says."""
    image = _image(edit, stage)
    if image is not None:
        edit.replace(image[1], image[1], f" AS {name}")


def _image(edit: Edit, stage: Stage) -> tuple[int, int] | None:
    """Return where FROM names the image."""
    _, _, start = edit.words(stage.line)
    match = TOKEN.match(edit.original, start)
    return match.span() if match else None


def _pin_sources(edit: Edit, instruction: Instruction, pins: Mapping[str, str]) -> None:
    """Pin the images that COPY --from and RUN --mount read from."""
    _, flags, _ = edit.words(instruction.line)
    for start, end in flags:
        found = re.match(r"--(?:from=|mount=(?:[^,]*,)*?from=)([^,]+)", edit.original[start:end])
        pinned = pins.get(found[1]) if found else None
        if found is not None and pinned is not None:
            edit.replace(start + found.start(1), start + found.end(1), pinned)
