"""Builds on the engine: the context is written once, and each stage that is asked for is built from it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from orchestrator.build.refused_step import explained, located, require_frontend
from orchestrator.dockerfile.evidence_stages import EVERY_STAGE, EVIDENCE_STAGE, without_missing_folder
from orchestrator.dockerfile.step_instruction import step_instruction
from orchestrator.dockerfile.step_title import step_title
from orchestrator.engine.buildkit import SolveFailedError, solve
from orchestrator.errors import ImageBuildFailedError, StepTimeoutError
from orchestrator.events import Lane, OutputEvent, StepEvent, StepState
from orchestrator.source.context import context_files, write_context

if TYPE_CHECKING:
    import threading
    from pathlib import Path
    from typing import TextIO

    from orchestrator.build.image_plan import ImagePlan
    from orchestrator.engine.build_watch import Step
    from orchestrator.engine.docker import Engine
    from orchestrator.engine.step_traffic import Traffic
    from orchestrator.events import Emit
    from orchestrator.source.context import ContextFacts

OUTSIDE_NAME = ".twinbuild.Dockerfile"
"""Of a Dockerfile that is no part of the context; `normalise` drops files that begin so."""


class EngineBuild:
    """One context tar, and the stages that are built from it.

    Attributes:
        plan: what is built.
        context: what was sent.
        logs: what executed steps printed, by line of the text that was planned with.
        traffic: what executed RUN steps have sent and received, by line, as far as that is known.
        executed: lines of the steps that were not served from the cache.

    Args:
        engine: where to build.
        plan: what is built.
        tar: where the context is written.
        out: the build's log.
        emit: told each step.
        cancel: set to end a build on the engine.
        no_cache: build every step anew.
    """

    def __init__(
        self,
        engine: Engine,
        plan: ImagePlan,
        tar: Path,
        *,
        out: TextIO,
        emit: Emit,
        cancel: threading.Event,
        no_cache: bool = False,
    ) -> None:
        self.engine, self.plan = engine, plan
        self._no_cache = no_cache
        self.logs: dict[int, str] = {}
        self.traffic: dict[int, Traffic] = {}
        self.executed: set[int] = set()
        self._tar, self._out, self._emit, self._cancel = tar, out, emit, cancel
        self._names: dict[str, str] = {}
        self._begun: dict[str, bytes] = {}
        require_frontend(plan.dockerfile, plan.target, engine.version)
        self._name = _name_in_context(plan)
        self.context = self._write(plan.hardened)

    def _write(self, dockerfile: str) -> ContextFacts:
        plan = self.plan
        sent = context_files(plan.files, plan.tree, context=plan.context, dockerfile=self._name)
        if self._name not in {file.path for file in sent}:
            # An ignored Dockerfile must not be copied into the image: under this name it is taken out again.
            self._name = OUTSIDE_NAME
        with self._tar.open("wb") as stream:
            return write_context(sent, plan.tree / plan.context, replace={self._name: dockerfile.encode()}, out=stream)

    def solve_evidence(self) -> str | None:
        """Build the stage that holds the witness; its steps are none of the user's.

        Returns:
            its image's id; None where no step can have left a witness.

        Raises:
            NoVerdictError: as `solve` has it.
        """
        text: str | None = self.plan.hardened
        stages = [each for each in (EVIDENCE_STAGE, EVERY_STAGE) if f"\nFROM scratch AS {each}\n" in self.plan.hardened]
        if not stages:
            return None
        if len(stages) > 1:
            with suppress(ImageBuildFailedError):
                return self.solve(EVIDENCE_STAGE, shown=False)
        while True:
            try:
                return self.solve(stages[-1], shown=False)
            except ImageBuildFailedError as error:
                text = without_missing_folder(text or "", error.message)
                if text is None:
                    raise
            self._write(text)

    def solve(self, target: str, *, shown: bool = True) -> str:
        """Build a stage and return its image's id.

        Args:
            target: the stage's name in the hardened text.
            shown: whether its steps are told. The evidence is no step of the user's; its image is this build's alone.

        Raises:
            ImageBuildFailedError, DockerfileInvalidError, EngineUnsupportedError, StepTimeoutError: see `refused_step`.
            InterruptedRunError, EngineUnreachableError, NoSpaceError: as their names say.
        """
        emit: Emit = self._emit if shown else nobody
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
                no_cache=self._no_cache,
                offline=self.plan.offline,
                aside=not shown,
            )
        except SolveFailedError as error:
            raise explained(error, self.plan.dockerfile, offline=self.plan.offline) from error
        except StepTimeoutError as error:
            raise located(error, self.plan.dockerfile) from error
        finally:
            # A step that was cut short may have begun a line, and often that is the one that tells why.
            for digest in tuple(self._begun):
                self._tell(digest, self._begun.pop(digest), emit)
        for step in solved.steps:
            line = self._line(step.name)
            if line is not None and step.started and not step.cached:
                self.executed.add(line)
            if line is not None and step.digest in solved.logs:
                self.logs[line] = solved.logs[step.digest].decode(errors="replace")
            if line is not None and step.digest in solved.traffic:
                self.traffic[line] = solved.traffic[step.digest]
        return solved.image_id

    def _step(self, step: Step, emit: Emit) -> None:
        self._names[step.digest] = step.name
        if step.name.startswith("[internal]") or not step.started:
            return
        state = StepState.STARTED
        if step.done:
            self._tell(step.digest, self._begun.pop(step.digest, b""), emit)
            state = _end(step)
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
        """Take what a step printed; the engine cuts it where it likes, so a line is told when its end is there."""
        whole, _, rest = (self._begun.pop(digest, b"") + text).rpartition(b"\n")
        if rest:
            self._begun[digest] = rest
        self._tell(digest, whole, emit)

    def _tell(self, digest: str, text: bytes, emit: Emit) -> None:
        for line in text.decode(errors="replace").splitlines():
            self._out.write(f"{line}\n")
            emit(OutputEvent(lane=Lane.IMAGE, step=digest, text=line))

    def _line(self, name: str) -> int | None:
        instruction = step_instruction(self.plan.dockerfile, name)
        return instruction.line if instruction else None


def _end(step: Step) -> StepState:
    if step.error:
        return StepState.CUT_OFF if step.cut_off else StepState.FAILED
    return StepState.CACHED if step.cached else StepState.DONE


def nobody(_event: object) -> None:
    """Take an event and tell nobody: what is built to be looked at is no step of the user's."""


def _name_in_context(plan: ImagePlan) -> str:
    prefix = "" if plan.context in {"", "."} else plan.context.rstrip("/") + "/"
    return plan.path[len(prefix) :] if plan.path.startswith(prefix) else OUTSIDE_NAME
