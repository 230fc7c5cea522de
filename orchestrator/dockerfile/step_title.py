"""What a build step is called where a person reads it: the user's own words, or a name for what is this tool's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.dockerfile.harden import without_hardening
from orchestrator.dockerfile.step_instruction import step_instruction

if TYPE_CHECKING:
    from orchestrator.dockerfile.model import Dockerfile

_OWN = (
    (re.compile(r"copy /context /|\[internal\] load build context"), "build context taken over by the engine"),
    (re.compile(r"FROM twinbuild\.local/tools:"), "the stub guard's files"),
    (re.compile(r"FROM twinbuild\.local/crates:"), "crates of the lock file"),
    (re.compile(r"FROM twinbuild\.local/"), "image that a COPY or a mount reads from"),
    (re.compile(r"exporting "), "image exported"),
)
"""Steps of BuildKit and of the hardened Dockerfile that no line of the user's stands for."""

_FROM = re.compile(r"\[[^\]]*\] FROM (?P<reference>\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTitle:
    """A step as it is shown.

    Attributes:
        text: one line or several, as in the Dockerfile.
        line: of the text that was planned with; None where none stands for it.
        own: it is a step of this tool's or of the engine's, not one that the Dockerfile asks for.
    """

    text: str
    line: int | None
    own: bool


def step_title(dockerfile: Dockerfile, name: str, *, hardened: str) -> StepTitle:
    """Return what to call the step that BuildKit names so.

    Args:
        dockerfile: what was planned with.
        name: BuildKit's name of the step.
        hardened: the text that was sent instead; its lines are those of the Dockerfile.
    """
    for pattern, text in _OWN:
        if pattern.match(name):
            return StepTitle(text=text, line=None, own=True)
    base = _FROM.match(name)
    if base is not None:
        # Found by its pinned reference: builds that run at the same time share such steps, and the stage in the name
        # may then be another build's.
        lines = hardened.splitlines()
        for stage in dockerfile.stages:
            if stage.base_stage is None and base["reference"] in lines[stage.line - 1].split():
                return StepTitle(text=f"FROM {stage.base}", line=stage.line, own=False)
    instruction = step_instruction(dockerfile, name)
    trigger = dockerfile.lines.trigger(instruction.line) if instruction else None
    text = without_hardening(name)
    return StepTitle(
        text=text if trigger is None else f"{text} (ONBUILD of {trigger.image})",
        line=instruction.line if instruction else None,
        own=False,
    )
