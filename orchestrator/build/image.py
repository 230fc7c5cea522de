"""The build in the image: the hardened Dockerfile through BuildKit, the evidence, and the candidate."""

from __future__ import annotations

import hashlib
import posixpath
import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.build.artifact import Artifact, Side
from orchestrator.build.normalise import Normalisation, normalise
from orchestrator.dockerfile.harden import EVIDENCE_STAGE, shipped_name, without_hardening
from orchestrator.dockerfile.step_title import step_title
from orchestrator.dockerfile.trace import step_instruction
from orchestrator.engine.buildkit import Limits, SolveFailedError, Step, solve
from orchestrator.engine.files import image_files
from orchestrator.errors import DockerfileInvalidError, ImageBuildFailedError, StepTimeoutError
from orchestrator.events import Lane, OutputEvent, StepEvent, StepState, told
from orchestrator.location import Location
from orchestrator.source.context import ContextFacts, context_files, write_context
from orchestrator.workspace import memo_key, no_space_named

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence
    from typing import TextIO

    from orchestrator.dockerfile.model import Dockerfile
    from orchestrator.engine.docker import Engine
    from orchestrator.engine.files import ContainerFiles
    from orchestrator.events import Emit
    from orchestrator.source.snapshot import SourceFile
    from orchestrator.workspace import Workspace

_OUTSIDE_NAME = ".twinbuild.Dockerfile"
_TAIL_LINES = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePlan:
    """What is built in the engine.

    Attributes:
        tree, files: the laid-out snapshot.
        context: the context's folder, relative to the tree.
        dockerfile: as the user wrote it; `path` is its place relative to the tree.
        hardened: the text that is sent instead.
        target: the shipped stage.
        arguments: build arguments.
        builder: (stage index, path) of the program in the stage that builds it; None where it cannot be traced.
        binary: the program's path in the shipped image.
        epoch: the time stamp of the candidate's own layers and configuration.
        base_layers: how many of the shipped image's layers are its base's.
    """

    tree: Path
    files: Sequence[SourceFile]
    context: str
    dockerfile: Dockerfile
    path: str
    hardened: str
    target: str | None
    arguments: Mapping[str, str]
    builder: tuple[int, str] | None
    binary: str
    epoch: int
    base_layers: Sequence[str]
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageBuild:
    """The image build's result.

    Attributes:
        raw_id: the image as the engine built it.
        candidate_id: the normalised image, which is judged and may be promoted.
        witness: what the shim wrote, by `<stage index>/<file>`.
        builder, shipped: the program before and after it was copied; None where there is no such file.
        logs: what executed steps printed, by Dockerfile line.
    """

    raw_id: str
    candidate_id: str
    context: ContextFacts
    witness: Mapping[str, bytes]
    builder: Artifact | None
    shipped: Artifact | None
    logs: Mapping[int, str]
    seconds: float


def build_image(
    engine: Engine,
    plan: ImagePlan,
    *,
    workspace: Workspace,
    labels: Mapping[str, str],
    log: Path,
    emit: Emit,
    cancel: threading.Event,
) -> ImageBuild:
    """Build the shipped stage, read the evidence out of its stages, and make the candidate.

    Raises:
        ImageBuildFailedError: a step failed; its own last lines are in `detail`.
        DockerfileInvalidError: the engine does not understand the Dockerfile.
        StepTimeoutError: a step exceeded a limit.
        InterruptedRunError, EngineUnreachableError, NoSpaceError: as their names say.
    """
    began = time.monotonic()
    with (
        no_space_named(workspace.root),
        log.open("w", encoding="utf-8", buffering=1) as out,
        tempfile.TemporaryDirectory(dir=workspace.scratch, prefix="context-") as folder,
    ):
        build = _Build(engine, plan, Path(folder) / "context.tar", out=out, emit=emit, cancel=cancel)
        raw_id = build.solve(shipped_name(plan.dockerfile, plan.target))
        with told(emit, Lane.IMAGE, "evidence read out of the stages", own=True):
            witness, builder = _evidence(build, raw_id, workspace=workspace, labels=labels)
    normalisation = Normalisation(
        epoch=plan.epoch,
        base_layers=tuple(plan.base_layers),
        restored={hashlib.sha256(plan.hardened.encode()).hexdigest(): plan.dockerfile.text.encode()},
    )
    with told(emit, Lane.IMAGE, "image normalised, its program read", own=True):
        candidate = normalise(engine, raw_id, normalisation, workspace=workspace)
        shipped = _shipped(engine, candidate, plan.binary, workspace=workspace, labels=labels)
    return ImageBuild(
        raw_id=raw_id,
        candidate_id=candidate,
        context=build.context,
        witness=witness,
        builder=builder,
        shipped=shipped,
        logs=build.logs,
        seconds=time.monotonic() - began,
    )


class _Build:
    """The context and the two solves on it."""

    def __init__(
        self,
        engine: Engine,
        plan: ImagePlan,
        tar: Path,
        *,
        out: TextIO,
        emit: Emit,
        cancel: threading.Event,
    ) -> None:
        self.engine, self.plan = engine, plan
        self.logs: dict[int, str] = {}
        self._tar, self._out, self._emit, self._cancel = tar, out, emit, cancel
        self._names: dict[str, str] = {}
        self._name = _name_in_context(plan)
        sent = context_files(plan.files, plan.tree, context=plan.context, dockerfile=self._name)
        with tar.open("wb") as stream:
            self.context = write_context(
                sent, plan.tree / plan.context, replace={self._name: plan.hardened.encode()}, out=stream
            )

    def solve(self, target: str, *, shown: bool = True) -> str:
        """Build a stage and return its image's id."""
        emit: Emit = self._emit if shown else _nobody
        try:
            solved = solve(
                self.engine,
                self._tar,
                dockerfile=self._name,
                target=target,
                arguments=self.plan.arguments,
                limits=self.plan.limits,
                cancel=self._cancel,
                on_step=lambda step: self._step(step, emit),
                on_log=lambda digest, text: self._log(digest, text, emit),
            )
        except SolveFailedError as error:
            raise _explained(error, self.plan.dockerfile) from error
        except StepTimeoutError as error:
            raise _located(error, self.plan.dockerfile) from error
        for step in solved.steps:
            line = self._line(step.name)
            if line is not None and step.digest in solved.logs:
                self.logs[line] = solved.logs[step.digest].decode(errors="replace")
        return solved.image_id

    def _step(self, step: Step, emit: Emit) -> None:
        self._names[step.digest] = step.name
        if step.name.startswith("[internal]") or not step.started:
            return
        state = StepState.STARTED
        if step.done:
            state = StepState.FAILED if step.error else StepState.CACHED if step.cached else StepState.DONE
        title = step_title(self.plan.dockerfile, step.name, hardened=self.plan.hardened)
        self._out.write(f"# {state} {title.text} {'' if step.seconds is None else f'{step.seconds:.2f} s'}\n")
        emit(
            StepEvent(
                lane=Lane.IMAGE,
                step=step.digest,
                name=title.text,
                state=state,
                seconds=step.seconds,
                location=self.plan.dockerfile.location(title.line) if title.line else None,
                own=title.own,
            )
        )

    def _log(self, digest: str, text: bytes, emit: Emit) -> None:
        for line in text.decode(errors="replace").splitlines():
            self._out.write(f"{line}\n")
            emit(OutputEvent(lane=Lane.IMAGE, step=digest, text=line))

    def _line(self, name: str) -> int | None:
        instruction = step_instruction(self.plan.dockerfile, name)
        return instruction.line if instruction else None


def _nobody(_event: object) -> None:
    """Take an event and tell nobody: the evidence is no step of the user's."""


def _name_in_context(plan: ImagePlan) -> str:
    prefix = "" if plan.context in {"", "."} else plan.context.rstrip("/") + "/"
    return plan.path[len(prefix) :] if plan.path.startswith(prefix) else _OUTSIDE_NAME


def _evidence(
    build: _Build, raw_id: str, *, workspace: Workspace, labels: Mapping[str, str]
) -> tuple[dict[str, bytes], Artifact | None]:
    """Return the witness files and the builder stage's program, from memory where this very build was seen before."""
    plan = build.plan
    key = memo_key({"raw": raw_id, "context": build.context.digest, "builder": plan.builder, "version": 1})
    known = workspace.recall("evidence", key)
    if isinstance(known, dict) and _still_there(known.get("builder"), workspace):
        witness = {name: text.encode(errors="surrogateescape") for name, text in known["witness"].items()}
        return witness, _artifact(known["builder"], plan, workspace)
    evidence = build.solve(EVIDENCE_STAGE, shown=False)
    with image_files(build.engine, evidence, labels=labels) as files:
        witness = files.walk("/witness")
        kept = _keep_program(files, plan, workspace)
    build.engine.remove_image(evidence)
    decoded = {name: content.decode(errors="surrogateescape") for name, content in witness.items()}
    workspace.remember("evidence", key, {"witness": decoded, "builder": kept})
    return witness, _artifact(kept, plan, workspace)


def _still_there(kept: object, workspace: Workspace) -> bool:
    return not isinstance(kept, list) or workspace.artifact(str(kept[0])).exists()


def _keep_program(files: ContainerFiles, plan: ImagePlan, workspace: Workspace) -> list[str | int] | None:
    if plan.builder is None:
        return None
    index, path = plan.builder
    with files.open(f"/program/{index}/{posixpath.basename(path)}") as stream:
        return None if stream is None else list(workspace.keep_artifact(stream))


def _artifact(kept: list[str | int] | None, plan: ImagePlan, workspace: Workspace) -> Artifact | None:
    if kept is None or plan.builder is None:
        return None
    index, path = plan.builder
    digest, size = str(kept[0]), int(kept[1])
    origin = f"{plan.dockerfile.stages[index].reference}:{path}"
    return Artifact(side=Side.BUILDER, sha256=digest, size=size, origin=origin, path=workspace.artifact(digest))


def _shipped(
    engine: Engine, candidate: str, binary: str, *, workspace: Workspace, labels: Mapping[str, str]
) -> Artifact | None:
    key = memo_key({"image": candidate, "path": binary})
    known = workspace.recall("shipped", key)
    if not isinstance(known, list) or not _still_there(known, workspace):
        with image_files(engine, candidate, labels=labels) as files, files.open(binary) as stream:
            if stream is None:
                return None
            kept: list[str | int] = list(workspace.keep_artifact(stream))
        workspace.remember("shipped", key, kept)
        known = kept
    digest, size = str(known[0]), int(known[1])
    return Artifact(side=Side.IMAGE, sha256=digest, size=size, origin=binary, path=workspace.artifact(digest))


def _explained(error: SolveFailedError, dockerfile: Dockerfile) -> Exception:
    """Turn BuildKit's words into this tool's: which line, what failed, what to do."""
    parse = re.search(r"(?:dockerfile parse error|parse error).*?line (\d+): (.*)", error.message)
    if parse:
        return DockerfileInvalidError(
            f"the engine does not understand the Dockerfile: {parse[2]}",
            location=dockerfile.location(int(parse[1])),
            repair="correct the line; an older engine may lack what it uses",
        )
    instruction = step_instruction(dockerfile, error.step.name) if error.step else None
    where = dockerfile.location(instruction.line) if instruction else Location(file=dockerfile.file)
    missing = re.search(r'"?(/[^":]*)"?:? not found', error.message)
    if instruction is not None and instruction.keyword in {"COPY", "ADD"} and missing:
        return ImageBuildFailedError(
            f"{instruction.keyword} of {missing[1].lstrip('/')}: there is no such file "
            + ("in that stage" if instruction.flag("from") else "in the build context"),
            location=where,
            repair="correct the path; a file that .gitignore or .dockerignore names is not sent",
        )
    code = re.search(r"exit code: (\d+)", error.message)
    tail = error.log.decode(errors="replace").splitlines()[-_TAIL_LINES:]
    what = without_hardening(error.step.name) if error.step else "the image build"
    return ImageBuildFailedError(
        f"`{what}` failed" + (f" with exit code {code[1]}" if code else f": {error.message}"),
        location=where,
        repair="mend what the step says; its whole output is in the run's log",
        detail=tuple(tail),
    )


def _located(error: StepTimeoutError, dockerfile: Dockerfile) -> StepTimeoutError:
    """Add the Dockerfile line to a time-out, whose message holds the step's name."""
    name = re.search(r"`(.*)`", error.message)
    instruction = step_instruction(dockerfile, name[1]) if name else None
    return StepTimeoutError(
        without_hardening(error.message),
        location=dockerfile.location(instruction.line) if instruction else None,
        repair=error.repair,
    )
