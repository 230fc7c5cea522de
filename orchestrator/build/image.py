"""The build in the image: the hardened Dockerfile through BuildKit, the evidence, and the candidate."""

from __future__ import annotations

import hashlib
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.build.builder_side import BuilderQuestions, BuilderSide, builder_side
from orchestrator.build.engine_build import EngineBuild
from orchestrator.build.evidence import StageEvidence, shipped_program, stage_evidence
from orchestrator.build.normalised import Normalisation, Normalised, normalised_before
from orchestrator.build.silent_step import built_anew, remembered, silent_steps
from orchestrator.dockerfile.harden import sent_name
from orchestrator.dockerfile.layers import layer_instruction
from orchestrator.errors import EngineUnreachableError
from orchestrator.events import Lane, NoteEvent, told
from orchestrator.workspace import no_space_named

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping

    from orchestrator.build.artifact import Artifact
    from orchestrator.build.image_plan import ImagePlan
    from orchestrator.build.leftovers import Leftover
    from orchestrator.dockerfile.model import Instruction
    from orchestrator.engine.docker import Engine
    from orchestrator.engine.hold import Hold
    from orchestrator.engine.step_traffic import Traffic
    from orchestrator.events import Emit
    from orchestrator.source.context import ContextFacts
    from orchestrator.workspace import Workspace

_ATTEMPTS = 3
"""How often an image is built that another run removes before it can be kept; its steps are cached by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageBuild:
    """The image build's result.

    Attributes:
        raw_id: the image as the engine built it.
        candidate_id: the normalised image, which is judged and may be promoted; as `raw_id`, what the engine calls it.
        image_id: its ID, the digest of its configuration: the same on every engine.
        leftovers: what the build host left in its layers.
        touched: the names of what its own layers, above the base's, add, replace or remove, as `LayerNames` has them.
        programs: the absolute paths of the executable files that these layers hold.
        witness: what the shim wrote, by `<stage index>/<file>`.
        builder, shipped: the program before and after it was copied; None where there is no such file.
        logs: what executed steps printed, by line of the text that was planned with.
        traffic: what executed RUN steps have sent and received, by line as in `logs`, as far as that is known.
        builder_side: what the builder stage says of itself; None where nobody asked, or nothing was installed in it.
    """

    raw_id: str
    candidate_id: str
    image_id: str
    leftovers: tuple[Leftover, ...]
    touched: frozenset[str]
    programs: frozenset[str]
    context: ContextFacts
    witness: Mapping[str, bytes]
    builder: Artifact | None
    shipped: Artifact | None
    logs: Mapping[int, str]
    traffic: Mapping[int, Traffic]
    seconds: float
    builder_side: BuilderSide | None = None


def build_image(
    engine: Engine,
    plan: ImagePlan,
    *,
    workspace: Workspace,
    labels: Mapping[str, str],
    log: Path,
    emit: Emit,
    cancel: threading.Event,
    asked: BuilderQuestions | None = None,
    hold: Hold | None = None,
) -> ImageBuild:
    """Build the shipped stage, read the evidence out of its stages, and make the candidate.

    `asked`: how the builder stage is asked what it has installed; None asks nothing. `hold`: keeps what is made.

    Raises:
        ImageBuildFailedError: a step failed; its own last lines are in `detail`.
        DockerfileInvalidError: the engine does not understand the Dockerfile.
        EngineUnsupportedError: the engine lacks what the Dockerfile uses.
        StepTimeoutError: a step exceeded a limit.
        InterruptedRunError, EngineUnreachableError, NoSpaceError: as their names say.
    """
    began = time.monotonic()
    with no_space_named(workspace.root), log.open("w", encoding="utf-8", buffering=1) as out:

        def stages(plan: ImagePlan) -> _Stages:
            with tempfile.TemporaryDirectory(dir=workspace.scratch, prefix="context-") as folder:
                build = EngineBuild(engine, plan, Path(folder) / "context.tar", out=out, emit=emit, cancel=cancel)
                return _stages(build, asked, workspace=workspace, labels=labels, emit=emit, hold=hold)

        built = stages(remembered(plan, workspace))
        silent = [step for step in silent_steps(plan, built.evidence.witness) if step.line not in built.build.executed]
        anew = built_anew(plan, silent, workspace) if silent else None
        if anew is not None:
            for step in silent:
                place = plan.dockerfile.location(step.line)
                emit(NoteEvent(lane=Lane.IMAGE, text=f"{place}: cached, and without a witness: built once more"))
            first, built = built, stages(anew)
            built.build.traffic = first.build.traffic | built.build.traffic
            for made in {first.raw_id, first.candidate.name} - {built.raw_id, built.candidate.name}:
                if hold is not None:
                    hold.drop(made)
                engine.remove_image(made)
    return ImageBuild(
        raw_id=built.raw_id,
        candidate_id=built.candidate.name,
        image_id=built.candidate.image_id,
        leftovers=built.candidate.leftovers,
        touched=built.candidate.touched,
        programs=built.candidate.programs,
        context=built.build.context,
        witness=built.evidence.witness,
        builder=built.evidence.builder,
        shipped=built.shipped,
        logs=built.build.logs,
        traffic=built.build.traffic,
        seconds=time.monotonic() - began,
        builder_side=built.builder,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stages:
    """What one build left: the shipped stage's image, what was made of it, and what the other stages hold."""

    build: EngineBuild
    raw_id: str
    evidence: StageEvidence
    candidate: Normalised
    shipped: Artifact | None
    builder: BuilderSide | None


def _stages(
    build: EngineBuild,
    asked: BuilderQuestions | None,
    *,
    workspace: Workspace,
    labels: Mapping[str, str],
    emit: Emit,
    hold: Hold | None,
) -> _Stages:
    raw_id, known = _shipped(build, workspace=workspace, hold=hold)
    with ThreadPoolExecutor(1) as pool:
        # Both mostly wait for the engine, and neither needs the other's answer.
        making = pool.submit(_candidate, build, raw_id, known, workspace=workspace, labels=labels, emit=emit, hold=hold)
        with told(emit, Lane.IMAGE, "evidence read out of the stages", own=True):
            evidence = stage_evidence(build, raw_id, lambda: making.result()[1], workspace=workspace, labels=labels)
            builder = None
            if asked is not None:
                builder = builder_side(build, raw_id, asked, workspace=workspace, labels=labels)
        candidate, shipped = making.result()
    return _Stages(build=build, raw_id=raw_id, evidence=evidence, candidate=candidate, shipped=shipped, builder=builder)


def _shipped(build: EngineBuild, *, workspace: Workspace, hold: Hold | None) -> tuple[str, Normalised | None]:
    """Build the shipped stage; return its image, and what was made of it before.

    Two projects that ship the same placeholder make the same image where the engine has all of it cached, and whoever
    ends first removes it; so it is kept until it has been read.
    """
    target, how = sent_name(build.plan.dockerfile.stage(build.plan.target)), normalisation(build.plan)
    for _ in range(_ATTEMPTS):
        raw_id = build.solve(target)
        known = normalised_before(
            build.engine, raw_id, how, workspace=workspace, hold=hold, again=not build.plan.independent
        )
        if known is not None or hold is None or hold.keep(raw_id):
            return raw_id, known
    raise EngineUnreachableError(
        "the image is removed from the engine as soon as it is built",
        repair="let nothing else tidy up on this engine while a build is going on (`docker image prune`)",
    )


def normalisation(plan: ImagePlan) -> Normalisation:
    """Return how a plan's image is normalised."""
    sent = hashlib.sha256(plan.hardened.encode()).hexdigest()
    return Normalisation(
        epoch=plan.epoch,
        base_layers=tuple(plan.base_layers),
        # As it lies there: what is planned with has plain line ends, and may have lines more.
        restored={sent: (plan.tree / plan.path).read_bytes()},
        without_leftovers=plan.leftovers == "remove",
        binary=plan.binary,
    )


def _candidate(
    build: EngineBuild,
    raw_id: str,
    known: Normalised | None,
    *,
    workspace: Workspace,
    labels: Mapping[str, str],
    emit: Emit,
    hold: Hold | None,
) -> tuple[Normalised, Artifact | None]:
    """Return the normalised image, and the program in it."""
    plan = build.plan
    with told(emit, Lane.IMAGE, "image normalised, its program read", own=True):
        candidate = known or _normalised(build, raw_id, workspace=workspace, emit=emit, hold=hold)
        return candidate, shipped_program(build.engine, candidate.name, plan.binary, workspace=workspace, labels=labels)


def _normalised(build: EngineBuild, raw_id: str, *, workspace: Workspace, emit: Emit, hold: Hold | None) -> Normalised:
    from orchestrator.build.normalise import normalise  # noqa: PLC0415 - a run with nothing to do makes no image

    plan = build.plan

    def made_by(keyword: str, after: int) -> Instruction | None:
        return layer_instruction(plan.dockerfile, plan.target, keyword=keyword, after=after)

    return normalise(
        build.engine,
        raw_id,
        normalisation(plan),
        workspace=workspace,
        say=lambda text: emit(NoteEvent(lane=Lane.IMAGE, text=text)),
        hold=hold,
        made_by=made_by,
        again=not plan.independent,
    )
