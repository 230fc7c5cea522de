"""From the spec and the snapshot to the two build plans."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.bases.image import HostToolchain
from orchestrator.bases.prepare import prepare_bases
from orchestrator.build.handover import HandoverPlan, plan_handover
from orchestrator.build.image_plan import ImagePlan
from orchestrator.build.local import ImagePaths, LocalPlan
from orchestrator.build.settings import Where
from orchestrator.dockerfile.harden import harden
from orchestrator.dockerfile.inherited import with_inherited
from orchestrator.dockerfile.parse import read_dockerfile
from orchestrator.dockerfile.settings import Guard
from orchestrator.dockerfile.trace import Tracer, base_references
from orchestrator.dockerfile.triggers import settled
from orchestrator.engine.build_watch import Limits
from orchestrator.errors import DockerfileInvalidError
from orchestrator.events import Lane, OutputEvent
from orchestrator.flow.hardening import hardening_of
from orchestrator.spec.model import expand_facts
from orchestrator.toolchains.cargo.command import selection_of
from orchestrator.toolchains.cargo.crates import crates_image, fetch_crates
from orchestrator.toolchains.cargo.identity import CargoToolchain, identify
from orchestrator.toolchains.cargo.project import CargoProject, read_project

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from orchestrator.bases.image import BaseImage
    from orchestrator.dockerfile.harden import Hardening
    from orchestrator.dockerfile.model import Dockerfile
    from orchestrator.dockerfile.trace import BuilderPlace
    from orchestrator.engine.docker import Engine
    from orchestrator.engine.image_facts import ImageFacts
    from orchestrator.engine.process import Stream
    from orchestrator.flow.surroundings import Surroundings
    from orchestrator.source.snapshot import Snapshot
    from orchestrator.spec.model import BuildSpec
    from orchestrator.toolchains.cargo.crates import CratesImage
    from orchestrator.workspace import Workspace

OWN_TAGS = ("images", "own")
"""Where the workspace remembers the tags of the tool's own that a project's builds stood on."""

_OFFICIAL_SYSROOT = "/usr/local/rustup/toolchains"
_OFFICIAL_CARGO_HOME = "/usr/local/cargo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What the two builds need, and what is known before they begin.

    Attributes:
        dockerfile: the user's, with the triggers of its bases as steps (dockerfile/inherited.py).
        handover: how compiled dependencies get from the host's build to the image's; None where each compiles its own.
    """

    project: CargoProject
    toolchain: CargoToolchain
    dockerfile: Dockerfile
    builder: BuilderPlace
    bases: Mapping[str, BaseImage]
    local: LocalPlan
    image: ImagePlan
    handover: HandoverPlan | None


def prepare(spec: BuildSpec, snapshot: Snapshot, around: Surroundings) -> Prepared:
    """Read the project and its Dockerfile, make the bases, and plan both builds.

    Raises:
        NoVerdictError: of the kind that fits: the manifest, the Dockerfile, a base, the toolchain or the crates.
    """
    tree = around.workspace.source
    toolchain = identify(
        (tree / spec.toolchain.manifest).parent, workspace=around.workspace, environment=around.environment, top=tree
    )
    project = read_project(tree, spec.toolchain, toolchain, files=snapshot.files, workspace=around.workspace)
    arguments = _arguments(spec, snapshot)
    dockerfile, bases = _dockerfile(spec, arguments, toolchain, around)
    tracer = tracer_of(dockerfile, arguments, bases)
    builder = tracer.builder_place(
        spec.image.target, binary=spec.image.binary, manifest=in_context(spec.toolchain.manifest, spec.image.context)
    )
    crates = _crates(tree, project, toolchain, around)
    local = LocalPlan(
        tree=tree,
        files=snapshot.files,
        project=project,
        settings=spec.toolchain,
        toolchain=toolchain,
        paths=_image_paths(spec, builder, bases, toolchain),
        variables=builder.environment,
        selection=_selection(dockerfile, builder, project),
    )
    shares = crates is not None and _shares(spec, around)
    handover = (
        plan_handover(local, engine=around.engine, workspace=around.workspace, environment=around.environment)
        if shares
        else None
    )
    hardening = replace(
        hardening_of(spec, dockerfile, tracer, builder, bases, crates=crates, around=around),
        dependencies=handover.reference if handover else None,
    )
    mounted = (hardening.tools, hardening.crates, hardening.certificates, hardening.dependencies)
    own = (*hardening.pins.values(), *hardening.bare.values(), *mounted)
    remember_tags(around.workspace, [tag for tag in own if tag])
    return Prepared(
        project=project,
        toolchain=toolchain,
        dockerfile=dockerfile,
        builder=builder,
        bases=bases,
        local=local,
        handover=handover,
        image=_image_plan(spec, snapshot, dockerfile, builder, bases=bases, hardening=hardening, around=around),
    )


def tracer_of(dockerfile: Dockerfile, arguments: Mapping[str, str], bases: Mapping[str, BaseImage]) -> Tracer:
    """Return what follows files through a Dockerfile whose bases are there."""
    return Tracer(
        dockerfile,
        arguments=arguments,
        base_environment=lambda reference: bases[reference].environment if reference in bases else {},
        base_directory=lambda reference: bases[reference].directory if reference in bases else "/",
    )


def _dockerfile(
    spec: BuildSpec, arguments: Mapping[str, str], toolchain: CargoToolchain, around: Surroundings
) -> tuple[Dockerfile, dict[str, BaseImage]]:
    """Return what is planned with: the user's Dockerfile with all triggers as steps, where that is the same."""
    image = spec.image
    written = read_dockerfile(around.workspace.source / image.dockerfile, file=image.dockerfile, arguments=arguments)
    bases = _bases(spec, settled(written, image.target), toolchain, around)
    triggers = {reference: base.triggers for reference, base in bases.items()}
    whole = with_inherited(written, image.target, triggers, arguments=arguments)
    return settled(whole, image.target), bases


def _bases(
    spec: BuildSpec, dockerfile: Dockerfile, toolchain: CargoToolchain, around: Surroundings
) -> dict[str, BaseImage]:
    return prepare_bases(
        around.engine,
        base_references(dockerfile, spec.image.target),
        spec.bases,
        toolchain=HostToolchain(
            version=toolchain.version, commit=toolchain.commit, host=toolchain.host, sysroot=toolchain.sysroot
        ),
        scratch=around.workspace.scratch,
        environment=around.environment,
        emit=around.emit,
        cancel=around.cancel,
    )


def _arguments(spec: BuildSpec, snapshot: Snapshot) -> dict[str, str]:
    facts = {
        "project": spec.project,
        "source.digest": snapshot.digest,
        "source.commit": snapshot.commit or "none",
        "source.epoch": str(snapshot.epoch),
    }
    return expand_facts({**spec.image.args, **spec.inputs}, facts)


def in_context(path: str, context: str) -> str:
    """Return a path of the source relative to the build context."""
    return path if context in {"", "."} else posixpath.relpath(path, context)


def _crates(tree: Path, project: CargoProject, toolchain: CargoToolchain, around: Surroundings) -> CratesImage | None:
    def tell(_stream: Stream, line: str) -> None:
        around.emit(OutputEvent(lane=Lane.SOURCE, step="crates", text=line))

    crates = fetch_crates(
        tree,
        project,
        toolchain,
        workspace=around.workspace,
        environment=around.environment,
        on_line=tell,
        cancel=around.cancel,
    )
    return crates_image(around.engine, crates, workspace=around.workspace)


def _image_plan(
    spec: BuildSpec,
    snapshot: Snapshot,
    dockerfile: Dockerfile,
    builder: BuilderPlace,
    *,
    bases: Mapping[str, BaseImage],
    hardening: Hardening,
    around: Surroundings,
) -> ImagePlan:
    base = _shipped_base(dockerfile, spec.image.target, bases, around.engine)
    return ImagePlan(
        tree=around.workspace.source,
        files=snapshot.files,
        context=spec.image.context,
        dockerfile=dockerfile,
        path=spec.image.dockerfile,
        hardened=harden(dockerfile, spec.image.target, hardening),
        target=spec.image.target,
        arguments=_arguments(spec, snapshot),
        builder=(builder.stage.index, builder.program),
        binary=spec.image.binary,
        epoch=snapshot.epoch,
        base_layers=base.layers if base else (),
        base_id=base.id if base else None,
        limits=Limits(step=spec.image.step_limit, silence=spec.image.silence_limit),
        witnessed=spec.stub.guard is not Guard.OFF,
        leftovers=spec.image.leftovers,
        offline=spec.network.steps == "none",
        independent=around.independent,
    )


def _shares(spec: BuildSpec, around: Surroundings) -> bool:
    """Return whether the image build may take what the host has compiled; only the guard's shim can."""
    return (
        spec.toolchain.share
        and not around.independent
        and spec.stub.guard is Guard.ENFORCE
        and spec.local.where is Where.HOST
    )


def remember_tags(workspace: Workspace, tags: Iterable[str]) -> None:
    """Keep which of the tool's own tags this project needed, so that `invoke clean` can remove just these."""
    known = workspace.recall(*OWN_TAGS)
    every = sorted({*tags, *(known if isinstance(known, list) else ())})
    if every != known:
        workspace.remember(*OWN_TAGS, every)


def _image_paths(
    spec: BuildSpec, builder: BuilderPlace, bases: Mapping[str, BaseImage], toolchain: CargoToolchain
) -> ImagePaths:
    """Return where the builder stage has things; where the Dockerfile does not tell, where the official image does."""
    sysroot = next((base.sysroot for base in bases.values() if base.sysroot), None)
    return ImagePaths(
        workspace=builder.workspace or f"/{spec.project}",
        cargo_home=builder.cargo_home or _OFFICIAL_CARGO_HOME,
        sysroot=sysroot or f"{_OFFICIAL_SYSROOT}/{toolchain.name}",
    )


def _selection(dockerfile: Dockerfile, builder: BuilderPlace, project: CargoProject) -> tuple[str, ...] | None:
    """Return how the image's last cargo build selects packages, so that the host's unifies the same features."""
    for line in reversed(builder.cargo_lines):
        step = dockerfile.instruction(line)
        if step is not None:
            chosen = selection_of(step.script, program=project.binary)
            if chosen is not None:
                return chosen
    return None


def _shipped_base(
    dockerfile: Dockerfile, target: str | None, bases: Mapping[str, BaseImage], engine: Engine
) -> ImageFacts | None:
    """Return the base of the shipped image; None where it begins with nothing."""
    stage = dockerfile.stage(target)
    while stage.base_stage is not None:
        stage = dockerfile.stages[stage.base_stage]
    if stage.base not in bases:
        return None
    image = engine.image(bases[stage.base].image_id)
    if image is None:
        raise DockerfileInvalidError(
            f"the engine lost the base {stage.base}", location=dockerfile.location(stage.line), repair="run it again"
        )
    return image
