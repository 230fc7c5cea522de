"""Builds of small Dockerfiles with the guard on, stage by stage: what was witnessed, what was shipped."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.build.image import ImageBuild, build_image
from orchestrator.build.image_plan import ImagePlan
from orchestrator.dockerfile.harden import Hardening, harden
from orchestrator.dockerfile.model import Dockerfile
from orchestrator.dockerfile.parse import read_dockerfile
from orchestrator.dockerfile.settings import Guard
from orchestrator.dockerfile.triggers import settled
from orchestrator.engine.build_watch import Limits
from orchestrator.engine.files import image_files
from orchestrator.events import StepEvent, StepState
from orchestrator.source.settings import SourceSettings
from orchestrator.source.snapshot import Snapshot, take_snapshot
from orchestrator.source.tree import lay_out
from orchestrator.toolchains.cargo.tools import tools_image
from orchestrator.toolchains.cargo.witness import WitnessedCall, read_witness

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from orchestrator.engine.docker import Engine
    from orchestrator.events import Event
    from orchestrator.workspace import Workspace

LABELS = {"io.twinbuild.test": "shim"}
LIMITS = Limits(step=300, silence=300)


@dataclass(slots=True)
class Bench:
    """A place to build in.

    Attributes:
        folder: the project, which is the build context.
        pins: tags of the bases by the reference that Dockerfiles name.
        events: what the last build told.
        made: images to remove.
    """

    engine: Engine
    folder: Path
    workspace: Workspace
    pins: Mapping[str, str]
    events: list[Event] = field(default_factory=list)
    made: set[str] = field(default_factory=set)

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            place = self.folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)

    def copy(self, source: Path) -> None:
        shutil.copytree(source, self.folder, dirs_exist_ok=True)

    def snapshot(self) -> Snapshot:
        found = take_snapshot(self.folder, SourceSettings(), workspace=self.workspace, environment=os.environ)
        lay_out(found, self.workspace.source)
        return found

    def dockerfile(self, path: str = "Dockerfile") -> Dockerfile:
        return settled(read_dockerfile(self.folder / path, file=path, arguments={}), None)

    def plan(
        self,
        *,
        binary: str = "/app",
        builder: tuple[int, str] | None = None,
        guard: Guard = Guard.ENFORCE,
        target: str | None = None,
        limits: Limits = LIMITS,
        base: str | None = None,
        covered: Mapping[int, tuple[str, str]] | None = None,
    ) -> ImagePlan:
        """Plan a build of the folder's Dockerfile; `base` names the shipped stage's base image."""
        snapshot, dockerfile = self.snapshot(), self.dockerfile()
        tools = None if guard is Guard.OFF else tools_image(self.engine, scratch=self.workspace.root)
        hardening = Hardening(
            pins=self.pins,
            guard=guard,
            tools=tools,
            crates=None,
            cargo_homes={},
            programs=[] if builder is None else [builder],
            covered=covered or {},
        )
        image = self.engine.image(self.pins[base]) if base else None
        return ImagePlan(
            tree=self.workspace.source,
            files=snapshot.files,
            context=".",
            dockerfile=dockerfile,
            path="Dockerfile",
            hardened=harden(dockerfile, target, hardening),
            target=target,
            arguments={},
            builder=builder,
            binary=binary,
            epoch=snapshot.epoch,
            base_layers=image.layers if image else (),
            base_id=image.id if image else None,
            limits=limits,
        )

    def build(self, plan: ImagePlan, cancel: threading.Event | None = None) -> Shipped:
        self.events.clear()
        built = build_image(
            self.engine,
            plan,
            workspace=self.workspace,
            labels=LABELS,
            log=self.workspace.root / "image.log",
            emit=self.events.append,
            cancel=cancel or threading.Event(),
        )
        self.made |= {built.raw_id, built.candidate_id}
        return Shipped(bench=self, build=built, calls=read_witness(built.witness))

    def states(self) -> dict[int, StepState]:
        """Return how the steps of the last build ended, by line; bases are no steps that a layer cache serves."""
        bases = {stage.line for stage in self.dockerfile().stages}
        return {
            event.location.line: event.state
            for event in self.events
            if isinstance(event, StepEvent)
            and event.location
            and event.location.line
            and event.location.line not in bases
        }

    def clean(self) -> None:
        for image in self.made:
            self.engine.remove_image(image)


@dataclass(frozen=True, slots=True)
class Shipped:
    """A build's image and evidence."""

    bench: Bench
    build: ImageBuild
    calls: Sequence[WitnessedCall]

    def files(self, folder: str) -> dict[str, bytes]:
        with image_files(self.bench.engine, self.build.candidate_id, labels=LABELS) as files:
            return files.walk(folder)

    def in_stage(self, name: str) -> list[WitnessedCall]:
        index = self.stage_index(name)
        return [call for call in self.calls if call.stage == index]

    def stage_index(self, name: str) -> int:
        return self.bench.dockerfile().stage(name).index


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def printed(program: bytes, scratch: Path) -> str:
    """Return what a program prints, run on this machine."""
    place = scratch / sha256(program)[:16]
    place.write_bytes(program)
    place.chmod(0o755)
    return subprocess.run([place], capture_output=True, text=True, check=True, timeout=20).stdout.strip()
