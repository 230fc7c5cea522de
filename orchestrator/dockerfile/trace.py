"""Where things come from: the shipped file back to the stage that built it, and sources forward to where they lie."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.dockerfile.calls import cargo_calls
from orchestrator.dockerfile.copies import Fit, came_from, goes_to, sources
from orchestrator.dockerfile.words import assignment, expand, unquote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from orchestrator.dockerfile.model import Dockerfile, Instruction, Stage

_CARGO = re.compile(r"\bcargo\b")
_BY_RECIPE = re.compile(r"(?:^|[\s;&|({])(?:make|just|ninja)(?:\s|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An instruction with the state of its stage at that point."""

    stage: Stage
    instruction: Instruction
    directory: str
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a file of an image comes from.

    Attributes:
        stage: the stage in which it was made.
        path: its path there.
        copies: lines of the COPY instructions on the way, the last one first.
        image: (line, reference) where a COPY takes it out of an image that is no stage.
        context: (line, path in the build context) of the COPY instructions that bring it if the context has it.
    """

    stage: Stage
    path: str
    copies: tuple[int, ...]
    image: tuple[int, str] | None
    context: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuilderPlace:
    """The stage that builds the program, and its paths.

    Attributes:
        program: where the shipped file lies in that stage.
        workspace: the folder in the stage that holds the manifest; None where no COPY from the context brings it.
        cargo_home: cargo's home there.
        environment: the variables of its last RUN step.
        cargo_lines: lines of the RUN steps of that stage, and of the stages it is based on, that name cargo.
        copies: lines of the COPY instructions between that stage and the image, the last one first.
        image, context: as in `Origin`, where something brings the program ready-made.
    """

    stage: Stage
    program: str
    workspace: str | None
    cargo_home: str | None
    environment: Mapping[str, str]
    cargo_lines: tuple[int, ...]
    copies: tuple[int, ...]
    image: tuple[int, str] | None
    context: tuple[tuple[int, str], ...]


def base_references(dockerfile: Dockerfile, target: str | None) -> tuple[str, ...]:
    """Return the images that a target needs, in the file's order, each once."""
    found: dict[str, None] = {}
    for stage in dockerfile.needed(target):
        if stage.base_stage is None and stage.base != "scratch":
            found[stage.base] = None
        for instruction in stage.instructions:
            for reference in instruction.references:
                if dockerfile.stage_of(reference, before=stage.index) is None:
                    found[reference] = None
    return tuple(found)


def walk(
    dockerfile: Dockerfile,
    stage: Stage,
    *,
    arguments: Mapping[str, str],
    base_environment: Callable[[str], Mapping[str, str]],
    base_directory: Callable[[str], str] | None = None,
    unset: str = "",
) -> Iterator[Placed]:
    """Yield a stage's instructions, those of the stages it is based on first, each with directory and variables.

    Args:
        dockerfile: the file.
        stage: one of its stages.
        arguments: build arguments.
        base_environment: returns the ENV of a base image by its reference.
        base_directory: returns the WORKDIR of a base image; None: the root for every one.
        unset: the value of an ARG that has neither a default nor an argument.
    """
    if stage.base_stage is None:
        directory = base_directory(stage.base) if base_directory else "/"
        environment = dict(base_environment(stage.base))
    else:
        directory, environment = "/", {}
        for placed in walk(
            dockerfile,
            dockerfile.stages[stage.base_stage],
            arguments=arguments,
            base_environment=base_environment,
            base_directory=base_directory,
            unset=unset,
        ):
            yield placed
            directory, environment = placed.directory, dict(placed.environment)
    declared: dict[str, str] = {}
    for instruction in stage.instructions:
        variables = {**declared, **environment}
        if instruction.keyword == "WORKDIR":
            directory = posixpath.normpath(
                posixpath.join(directory, expand(unquote(" ".join(instruction.values)), variables))
            )
        elif instruction.keyword == "ENV":
            for name, value in zip(instruction.values[::2], instruction.values[1::2], strict=False):
                environment[name] = expand(unquote(value), variables)
        elif instruction.keyword == "ARG":
            for word in instruction.values:
                name, default = assignment(word)
                # One that is declared before the first FROM keeps its value where a stage asks for it by its name.
                given = dockerfile.globals.get(name, unset) if default is None else expand(default, variables)
                declared[name] = arguments.get(name, given)
        yield Placed(stage=stage, instruction=instruction, directory=directory, environment={**declared, **environment})


class Tracer:
    """Follows files through a Dockerfile.

    Args:
        dockerfile: the file.
        arguments: build arguments.
        base_environment: returns the ENV of a base image by its reference.
        base_directory: returns its WORKDIR; None: the root for every one.
    """

    def __init__(
        self,
        dockerfile: Dockerfile,
        *,
        arguments: Mapping[str, str],
        base_environment: Callable[[str], Mapping[str, str]],
        base_directory: Callable[[str], str] | None = None,
    ) -> None:
        self._dockerfile = dockerfile
        self._arguments, self._base_environment, self._base_directory = arguments, base_environment, base_directory

    def walk(self, stage: Stage) -> list[Placed]:
        """Return a stage's instructions with their state."""
        return list(
            walk(
                self._dockerfile,
                stage,
                arguments=self._arguments,
                base_environment=self._base_environment,
                base_directory=self._base_directory,
            )
        )

    def origin(self, stage: Stage, path: str) -> Origin:
        """Return where a file of a stage was made, following COPY --from back over all stages."""
        copies: list[int] = []
        while True:
            found = self._copied_from(stage, path)
            if isinstance(found, _Arrival):
                return Origin(
                    stage=stage, path=path, copies=tuple(copies), image=found.image, context=tuple(found.context)
                )
            stage, path, line = found
            copies.append(line)

    def source_place(self, stage: Stage, source: str) -> str | None:
        """Return where a file of the build context lies in a stage, by the last COPY that brings it."""
        for placed in reversed(self.walk(stage)):
            instruction = placed.instruction
            if instruction.keyword in {"COPY", "ADD"} and instruction.flag("from") is None:
                for pattern in sources(placed):
                    place = goes_to(placed, pattern, source)
                    if place is not None:
                        return place
        return None

    def builder_place(self, target: str | None, *, binary: str, manifest: str) -> BuilderPlace:
        """Return the stage that builds the shipped program.

        Args:
            target: the shipped stage.
            binary: the program's path in the image.
            manifest: the project's manifest, relative to the build context.
        """
        origin = self.origin(self._dockerfile.stage(target), binary)
        walked = self.walk(origin.stage)
        place = self.source_place(origin.stage, manifest)
        steps = [placed for placed in walked if placed.instruction.keyword == "RUN"]
        # What is set after the last step no step has seen.
        seen = steps or walked
        environment = seen[-1].environment if seen else self._base_environment(origin.stage.base)
        lines = [
            placed.instruction.line
            for placed in steps
            if _CARGO.search(" ".join((*placed.instruction.values, *placed.instruction.heredocs)))
        ]
        return BuilderPlace(
            stage=origin.stage,
            program=origin.path,
            workspace=posixpath.dirname(place) if place else None,
            cargo_home=environment.get("CARGO_HOME"),
            environment=environment,
            cargo_lines=tuple(lines),
            copies=origin.copies,
            image=origin.image,
            context=origin.context,
        )

    def _copied_from(self, stage: Stage, path: str) -> tuple[Stage, str, int] | _Arrival:
        """Return the stage that a COPY takes a file from, its path there and the line; else what else may bring it.

        The last COPY that names the file counts, before those of a folder that may have it, which bring what a later
        step compiles again: `COPY --from=cacher /app/target target`, and then `cargo build`.
        """
        arrival, compiled = _Arrival(), False
        copied: list[tuple[Fit, tuple[Stage, str, int]]] = []
        for placed in reversed(self.walk(stage)):
            compiled = compiled or _compiles(placed.instruction)
            if placed.instruction.keyword not in {"COPY", "ADD"}:
                continue
            reference, line = placed.instruction.flag("from"), placed.instruction.line
            for pattern in sources(placed):
                found = came_from(placed, "/" + pattern.lstrip("/"), path)
                if found is None:
                    continue
                there, fit = found
                if reference is None:
                    arrival.context.append((line, posixpath.normpath(there).lstrip("/")))
                    continue
                wanted = expand(reference, placed.environment)
                source = self._dockerfile.stage_of(wanted, before=placed.stage.index)
                if source is None:
                    arrival.image = arrival.image or (line, wanted)
                elif fit in {Fit.NAMED, Fit.PATTERN} or not compiled:
                    copied.append((fit, (source, there, line)))
        return min(copied, key=lambda each: each[0])[1] if copied else arrival


@dataclass(slots=True)
class _Arrival:
    """How a file that no stage made may come into a stage; see the fields of the same name in `Origin`."""

    image: tuple[int, str] | None = None
    context: list[tuple[int, str]] = field(default_factory=list)


def _compiles(instruction: Instruction) -> bool:
    """Return whether a step builds programs, as far as its own words tell."""
    if instruction.keyword != "RUN":
        return False
    return any(call.links for call in cargo_calls(instruction)) or _BY_RECIPE.search(instruction.script) is not None
