"""A Dockerfile: instructions, stages, lines."""

from __future__ import annotations

import difflib
import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.dockerfile.lines import Lines
from orchestrator.errors import DockerfileInvalidError
from orchestrator.location import Location

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction.

    Attributes:
        keyword: upper case.
        flags: as written (`--from=builder`).
        values: its words; a shell form's text is one word.
        json: whether it was written in exec (JSON) form.
        heredocs: content of here-documents, in order.
        line, last_line: 1-based, in the text (lines.py tells the user's).
        trigger: the keyword behind ONBUILD, whose flags and words these are; None for any other instruction.
    """

    keyword: str
    flags: tuple[str, ...]
    values: tuple[str, ...]
    json: bool
    heredocs: tuple[str, ...]
    line: int
    last_line: int
    trigger: str | None = None

    def flag(self, name: str) -> str | None:
        """Return a flag's value (`from`, `platform`), or None."""
        prefix = f"--{name}="
        return next((flag[len(prefix) :] for flag in self.flags if flag.startswith(prefix)), None)

    @property
    def references(self) -> tuple[str, ...]:
        """Return the stages or images that it takes files from, by COPY --from or RUN --mount."""
        if self.keyword in {"COPY", "ADD"}:
            source = self.flag("from")
            return () if source is None else (source,)
        if self.keyword == "RUN":
            mounts = (flag for flag in self.flags if flag.startswith("--mount="))
            return tuple(match[1] for mount in mounts if (match := re.search(r"[=,]from=([^,]+)", mount)))
        return ()

    @property
    def script(self) -> str:
        """Return a RUN step's shell text; that of an exec form as a shell would have to be given it."""
        if self.json:
            return shlex.join(self.values)
        return "\n".join(self.heredocs or self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage.

    Attributes:
        index: 0-based position.
        name: lower case, as BuildKit compares it; None where it has none.
        base: what FROM names, build arguments replaced.
        base_stage: index of the stage that it is based on; None for an image.
        instructions: what follows FROM.
        line, last_line: of FROM.
    """

    index: int
    name: str | None
    base: str
    base_stage: int | None
    instructions: tuple[Instruction, ...]
    line: int
    last_line: int

    @property
    def reference(self) -> str:
        """Return how other instructions can name this stage: its name, or its number."""
        return self.name or str(self.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dockerfile:
    """A parsed Dockerfile.

    Attributes:
        file: its path for people.
        text: with plain line ends.
        globals: the build arguments that are declared before the first FROM and have a value.
        lines: which lines of the text are the user's.
    """

    file: str
    text: str
    escape: str
    stages: tuple[Stage, ...]
    globals: Mapping[str, str]
    lines: Lines = field(default_factory=Lines)

    def location(self, line: int) -> Location:
        """Return the place in the user's file that a line of the text is told as."""
        return Location(file=self.file, line=self.lines.told(line))

    def instruction(self, line: int) -> Instruction | None:
        """Return the instruction that begins on a line, or None."""
        every = (found for stage in self.stages for found in stage.instructions)
        return next((found for found in every if found.line == line), None)

    def stage(self, target: str | None) -> Stage:
        """Return the stage that a target names (None: the last one).

        Raises:
            DockerfileInvalidError: there is no such stage.
        """
        if target is None:
            return self.stages[-1]
        for stage in self.stages:
            if target.lower() == stage.name or target == str(stage.index):
                return stage
        names = [stage.reference for stage in self.stages]
        close = difflib.get_close_matches(target.lower(), names, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise DockerfileInvalidError(
            f"there is no stage {target!r}; the stages are {', '.join(names)}{hint}",
            location=Location(file=self.file),
            repair="correct `image.target` in the spec, or name the stage with `FROM … AS`",
        )

    def needed(self, target: str | None) -> tuple[Stage, ...]:
        """Return the stages that a target is built from, itself included, in the file's order."""
        wanted, found = [self.stage(target).index], set[int]()
        while wanted:
            index = wanted.pop()
            if index not in found:
                found.add(index)
                wanted += _dependencies(self, self.stages[index])
        return tuple(self.stages[index] for index in sorted(found))

    def stage_of(self, reference: str, *, before: int) -> Stage | None:
        """Return the earlier stage that a `--from` or FROM names, None for an image."""
        for stage in reversed(self.stages[:before]):
            if reference.lower() == stage.name or reference == str(stage.index):
                return stage
        return None


def _dependencies(dockerfile: Dockerfile, stage: Stage) -> list[int]:
    found = [] if stage.base_stage is None else [stage.base_stage]
    for instruction in stage.instructions:
        for reference in instruction.references:
            source = dockerfile.stage_of(reference, before=stage.index)
            if source is not None:
                found.append(source.index)
    return found
