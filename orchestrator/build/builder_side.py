"""The builder stage as its steps leave it: what these have installed, asked inside the stage itself.

A base is known before the build, what `RUN apt-get install` brings is not. So the stage is asked once it is built, and
again only after a step of it that may install something has been executed, or may have been served from the cache of
another build than the last one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.dockerfile.calls import cargo_calls
from orchestrator.dockerfile.harden import sent_name
from orchestrator.inventory.image import image_side, packages_of
from orchestrator.inventory.model import SideInventory
from orchestrator.workspace import memo_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.build.engine_build import EngineBuild
    from orchestrator.build.image_plan import ImagePlan
    from orchestrator.dockerfile.model import Instruction
    from orchestrator.workspace import Workspace


_BRINGS_NOTHING = frozenset(
    {"mkdir", "touch", "echo", "printf", "true", ":", "rm", "rmdir", "chmod", "chown", "cd", "set"}
)
"""Programs after which a stage compiles with what it did before; any other may be an installer, or start one."""

_INSTALLS = re.compile(
    r"\b(?:apt(?:-get|itude)?|dpkg|apk|(?:micro)?dnf|yum|rpm|zypper|pacman|rustup|pip3?|conda|curl|wget|make\s+install)\b"
)
"""What brings something in a step that calls cargo as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuilderSide:
    """What the builder stage says of itself, and its packages by name."""

    side: SideInventory
    packages: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuilderQuestions:
    """How the builder stage is asked: variables for the script, and whether system libraries matter."""

    variables: Mapping[str, str]
    libraries: bool


def builder_side(
    build: EngineBuild, raw_id: str, asked: BuilderQuestions, *, workspace: Workspace, labels: Mapping[str, str]
) -> BuilderSide | None:
    """Return what the builder stage says of itself; None where no step of it can have installed anything.

    Args:
        build: of the shipped stage, which is there.
        raw_id: the shipped stage's image, which is not removed.
        asked: how it is asked.
        workspace: remembers the answer.
        labels: on the container that is used.

    Raises:
        NoVerdictError: of the kind that `EngineBuild.solve` tells.
    """
    plan = build.plan
    lines = set(installing_lines(plan))
    if plan.builder is None or not lines:
        return None
    state = _state(plan, build.context.digest)
    known = workspace.recall("builder-side", _key(plan, asked))
    if isinstance(known, dict) and known["state"] == state and not lines & build.executed:
        return _read(known)
    image = build.solve(sent_name(plan.dockerfile.stages[plan.builder[0]]), shown=False)
    side = image_side(
        build.engine, image, libraries=asked.libraries, asked=asked.variables, workspace=workspace, labels=labels
    )
    packages = packages_of(build.engine, image, workspace=workspace, labels=labels)
    if image != raw_id:
        build.engine.remove_image(image)
    told = {"side": side.model_dump(), "packages": packages, "state": state}
    workspace.remember("builder-side", _key(plan, asked), told)
    return BuilderSide(side=side, packages=packages)


def known_builder_side(plan: ImagePlan, asked: BuilderQuestions, *, workspace: Workspace) -> BuilderSide | None:
    """Return what the builder stage of such a plan said when it was last built; None where it never was."""
    known = workspace.recall("builder-side", _key(plan, asked))
    return _read(known) if isinstance(known, dict) else None


def _read(known: Mapping[str, Any]) -> BuilderSide:
    return BuilderSide(side=SideInventory.model_validate(known["side"]), packages=known["packages"])


def installing_lines(plan: ImagePlan) -> Iterator[int]:
    """Yield the lines of steps of the builder stage, and of the stages below it, that may install something."""
    yield from (each.line for each in _instructions(plan) if each.keyword == "RUN" and _may_install(each))


def _instructions(plan: ImagePlan) -> Iterator[Instruction]:
    """Yield those of the builder stage and of the stages below it."""
    index = plan.builder[0] if plan.builder is not None else None
    while index is not None:
        stage = plan.dockerfile.stages[index]
        yield from stage.instructions
        index = stage.base_stage


def _state(plan: ImagePlan, context: str) -> dict[str, str]:
    """Return what decides, beside the text, which of several results in the engine's cache an installing step takes."""
    last = max(installing_lines(plan))
    before = [each for each in _instructions(plan) if each.line < last]
    copies = any(each.keyword in {"COPY", "ADD"} and each.flag("from") is None for each in before)
    named = {value.partition("=")[0] for each in before if each.keyword == "ARG" for value in each.values}
    given = {name: value for name, value in plan.arguments.items() if name in named}
    return {**given, "": context} if copies else given


def _may_install(step: Instruction) -> bool:
    text = step.script
    if cargo_calls(step):
        return _INSTALLS.search(text) is not None
    commands = (part.split() for part in re.split(r"&&|\|\||[;|\n]", text))
    return any(words[0] not in _BRINGS_NOTHING for words in commands if words)


def _key(plan: ImagePlan, asked: BuilderQuestions) -> str:
    return memo_key({"text": plan.hardened, "given": dict(asked.variables), "libraries": asked.libraries})
