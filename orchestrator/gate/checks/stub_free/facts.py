"""What is known of the shipped program and how it came to be: facts alone, gathered by `flow/shipped.py`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.dockerfile.calls import subcommand_links

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.build.artifact import Artifact
    from orchestrator.toolchains.cargo.witness import WitnessedCall


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedCall:
    """A witnessed call of cargo and where it was made.

    Attributes:
        line: of the RUN step, in the user's file; None where it is not known.
        trigger: the step's text where it is an ONBUILD trigger of the base that the line's FROM names.
    """

    call: WitnessedCall
    line: int | None
    trigger: str | None = None

    @property
    def command(self) -> str:
        """Return the command line, fit to be quoted."""
        return f"`{' '.join(('cargo', *self.call.arguments))}`"

    @property
    def links(self) -> bool:
        """Return whether its subcommand can link a program: `check` and `doc` make none."""
        return subcommand_links(self.call.arguments)

    @property
    def where(self) -> str:
        """Return the command line with its place."""
        if self.line is None:
            return self.command
        by = "" if self.trigger is None else f" (ONBUILD `{self.trigger}`)"
        return f"{self.command} at line {self.line}{by}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """Something a line brings in that no step of the build made.

    Attributes:
        line: of the COPY, ADD or FROM; None where it is a base that no line was found for.
        source: what it is taken from, for people (`image example:dev`, `the build context`).
    """

    line: int | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How the shipped program's mapped content compares with another program's that differs from it by digest.

    Attributes:
        with_: the other one, for people (`the host's program`).
        sha256: of the other one.
        same_content: all that would be mapped is equal: code, data and entry.
        change: what differs nevertheless (`symbols and debug information are gone`).
    """

    with_: str
    sha256: str
    same_content: bool
    change: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A placeholder that a step makes the shipped program of.

    Attributes:
        text: the placeholder.
        line: of the step.
        program: what it makes of it.
        how: how far that is the shipped program (`bit for bit`).
    """

    text: str
    line: int
    program: Artifact
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """How the program was packed after the build; what is judged is what was packed.

    Attributes:
        file: the packed file, as it ships.
        line: of the step whose text names the packer.
        tool: the packer, as it is called there.
        command: what packs the judged program into the very bytes that ship; None where nothing that was tried does.
    """

    file: Artifact
    line: int
    tool: str
    command: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedFacts:
    """What is known of the shipped program and how it came to be.

    What is judged has the user's lines: a step that is an ONBUILD trigger of a base has that of its FROM.

    Attributes:
        shipped: the program in the image, unpacked where `packed_as` tells of it; None where there is no such file.
        builder: the program in the stage that builds it, at that stage's end.
        local: the host's program.
        likenesses: of the shipped program with others, nearest first; empty where it is identical to one of them.
        packed: the packer that left its mark in a shipped file that could not be unpacked; None where none did.
        calls: cargo's calls as witnessed, oldest first.
        sources: sha256 of the snapshot's files by path relative to the workspace (`../` for what lies beside it).
        inputs: the sources that went into the host's program, and the manifests that say how; same paths.
        placeholders: text by sha256, for the texts that the Dockerfile's own steps write.
        package, package_folder: whose program should have been shipped; the folder is relative to the workspace.
        binary: its name.
        profile_folder: the profile's folder in the target directory.
        programs: package by name, for every program of the workspace.
        image_path: where the program should lie in the image.
        image_programs: the absolute paths of the executable files that the image's own layers hold.
        dockerfile: its path, for people.
        cargo_lines: lines of the builder stage's steps that name cargo, in order.
        linking_lines: those of them that can link a program, as far as their text tells (`cargo check` does not).
        unwitnessed_lines: those of them that call cargo by a path, where no shim stands.
        copies: lines of the COPY instructions between that stage and the image, the last one first.
        builder_path: where the shipped file lies in the builder stage.
        builder_stages: indices of the builder stage and of those it is based on.
        idle_lines: lines of the steps that name cargo in stages that the image takes nothing from.
        mounts: targets of the cache mounts of a RUN step, by its line.
        brought: what brought the file into the builder stage, where that was an image or the context.
        triggers: (line of FROM, image) where the builder stage stands on an image with ONBUILD triggers nobody sees.
        changes: (line, tool) of the steps that may change the program after it is built (`strip`, `upx`).
        launch: (line, command) of the image's own command where that calls cargo.
        logs: what executed steps printed, by line.
        guard: the guard's setting.
        control: the control stub that the shipped program equals; None where none does, or where none was needed.
        packed_as: how the shipped file was packed; None where it was not, or could not be unpacked.
        inherited: image by the line of the FROM that stands for steps which are triggers of that image.
    """

    shipped: Artifact | None
    builder: Artifact | None
    local: Artifact
    likenesses: Sequence[Likeness]
    packed: str | None
    calls: Sequence[PlacedCall]
    sources: Mapping[str, str]
    inputs: Sequence[str]
    placeholders: Mapping[str, str]
    package: str
    package_folder: str
    binary: str
    profile_folder: str
    programs: Mapping[str, str]
    image_path: str
    image_programs: frozenset[str]
    dockerfile: str
    cargo_lines: Sequence[int]
    linking_lines: Sequence[int]
    unwitnessed_lines: Sequence[int]
    copies: Sequence[int]
    builder_path: str
    builder_stages: frozenset[int]
    idle_lines: Sequence[int]
    mounts: Mapping[int, Sequence[str]]
    brought: Brought | None
    triggers: tuple[int, str] | None
    changes: Sequence[tuple[int, str]]
    launch: tuple[int, str] | None
    logs: Mapping[int, str]
    guard: str
    control: Control | None = None
    packed_as: Packed | None = None
    inherited: Mapping[int, str] = field(default_factory=dict)
