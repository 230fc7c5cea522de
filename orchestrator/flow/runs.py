"""The smoke runs of image and host program: at the same time, and once for the same content and plan.

An image that is done first is run while the host still compiles, and so is its program on this machine. As a rule the
host's program is the same bytes then, and that run was its run; otherwise the host's own is run.
"""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_EXCEPTION, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.errors import InterruptedRunError
from orchestrator.events import Lane, told
from orchestrator.flow.pool import ended_together
from orchestrator.flow.services import service_images
from orchestrator.gate.checks import behaviour, smoke
from orchestrator.smoke.transcript import Transcript, from_json, to_json
from orchestrator.verdict import Status
from orchestrator.version import VERSION
from orchestrator.workspace import memo_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Executor, Future

    from orchestrator.build.artifact import Artifact
    from orchestrator.build.image import ImageBuild
    from orchestrator.build.local import LocalBuild
    from orchestrator.engine.image_facts import ImageFacts
    from orchestrator.flow.surroundings import Surroundings
    from orchestrator.spec.model import BuildSpec


class _OwnEnd(threading.Event):
    """Ends what heeds it, by itself or with the whole run."""

    def __init__(self, run: threading.Event) -> None:
        super().__init__()
        self._run = run

    def is_set(self) -> bool:
        """Return whether either was set."""
        return super().is_set() or self._run.is_set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """The run of the image's program on this machine.

    Attributes:
        program: sha256 of the program, hex.
        run: its transcript; None where there is no sandbox to run it in.
        end: ends it.
    """

    program: str
    run: Future[Transcript | None]
    end: threading.Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Runs that were begun while the host still compiled; each is None where it is remembered, or was not begun."""

    image: Future[Transcript] | None = None
    here: Here | None = None


def begin_runs(
    candidate: ImageFacts, image: ImageBuild, spec: BuildSpec, around: Surroundings, *, pool: Executor
) -> Begun:
    """Begin the runs that are not remembered, before there is a host's program."""
    services = service_images(spec, around)
    key = _image_key(candidate, spec, services, around)
    image_run, here = None, None
    if _recalled(key, around) is None:
        image_run = pool.submit(_run_image, candidate, spec, services, around)
    program = image.shipped
    # What does not even come from the builder stage will not be what the host compiles.
    likely = program is not None and image.builder is not None and image.builder.sha256 == program.sha256
    if program is not None and likely and _recalled(_local_key(program, key), around) is None:
        end = _OwnEnd(around.cancel)
        run = pool.submit(_run_ahead, candidate, spec, program, services, around, end=end)
        here = Here(program=program.sha256, run=run, end=end)
    return Begun(image=image_run, here=here)


def both_runs(
    candidate: ImageFacts,
    spec: BuildSpec,
    local: LocalBuild,
    around: Surroundings,
    *,
    remembered: set[str],
    begun: Begun | None = None,
    same_program: bool = False,
) -> tuple[Transcript, Transcript]:
    """Return the runs of image and host program.

    Args:
        candidate: the image.
        spec: holds the plan.
        local: the host's build.
        around: the run.
        remembered: gets the checks whose runs were not made again.
        begun: what goes on already.
        same_program: whether the image ships the host's bytes.

    Raises:
        NoVerdictError: a run could not be made.
    """
    begun, services = begun or Begun(), service_images(spec, around)
    image_key = _image_key(candidate, spec, services, around)
    local_key = _local_key(local.artifact, image_key)
    image_run = None if begun.image else _recalled(image_key, around)
    local_run = _recalled(local_key, around)
    if image_run is not None:
        remembered.update({"smoke"} if local_run is None else {"smoke", "behaviour"})
    ahead = _usable(begun.here, local.artifact, wanted=local_run is None)
    with ended_together(around.cancel, 2) as pool:
        images, heres = begun.image, ahead.run if ahead else None
        if images is None and image_run is None:
            images = pool.submit(_run_image, candidate, spec, services, around)
        if heres is None and local_run is None:
            heres = pool.submit(_run_here, candidate, spec, local.artifact, services, around)
        _until_one_fails(images, heres)
        image_run = images.result() if images else image_run
        local_run = heres.result() if heres else local_run
        if local_run is None:
            # There is no sandbox for the image's program, so the host's goes without one.
            ahead, local_run = None, _run_here(candidate, spec, local.artifact, services, around)
    image_run = _certain(image_run)
    passes, alike = _judged(image_run, local_run, spec, same_program=same_program)
    # What was begun ahead had the compiler beside it. It is refused only after a run with the machine to itself.
    possible = local_run.unmeetable is None
    if begun.image is not None and not (passes and (alike or not possible)):
        image_run = _run_image(candidate, spec, services, around, again=True)
        passes, alike = _judged(image_run, local_run, spec, same_program=same_program)
    if ahead is not None and possible and not alike:
        local_run = _run_here(candidate, spec, local.artifact, services, around, again=True)
        passes, alike = _judged(image_run, local_run, spec, same_program=same_program)
    # What was refused is run again by the next build: this machine may have been too busy, or a port taken.
    if passes and alike:
        around.workspace.remember("smoke", image_key, to_json(image_run))
        around.workspace.remember("smoke", local_key, to_json(local_run))
    return image_run, local_run


def _certain(run: Transcript | None) -> Transcript:
    if run is None:
        msg = "the image has neither been run nor remembered"
        raise AssertionError(msg)
    return run


def _usable(here: Here | None, program: Artifact, *, wanted: bool) -> Here | None:
    """Return the run that was begun ahead, if it is wanted and that of the same bytes; another one is ended."""
    if here is not None and not (wanted and here.program == program.sha256):
        here.end.set()
        return None
    # Where there is no sandbox it was over at once, and the host's program need not wait for the image's run.
    over = here is not None and here.run.done() and here.run.exception() is None and here.run.result() is None
    return None if over else here


def _until_one_fails(*runs: Future[Any] | None) -> None:
    """Wait until all of them are over, or one has raised something, which is raised here then."""
    for each in wait([run for run in runs if run is not None], return_when=FIRST_EXCEPTION).done:
        each.result()


def _judged(image: Transcript, local: Transcript, spec: BuildSpec, *, same_program: bool) -> tuple[bool, bool]:
    """Return (whether the image's run passes, whether the host's is like it)."""
    own = smoke.judge(image, spec.smoke)
    beside = behaviour.judge(local, image, volatile=spec.smoke.volatile, same_program=same_program)
    return own.status is Status.PASSED, beside.status is Status.PASSED


def _run_image(
    candidate: ImageFacts, spec: BuildSpec, services: Mapping[str, str], around: Surroundings, *, again: bool = False
) -> Transcript:
    from orchestrator.smoke.image import run_image  # noqa: PLC0415 - an image that is known is not run

    which = ", once more with the machine to itself" if again else ""
    with told(around.emit, Lane.CHECKS, f"smoke run of the image's entrypoint{which}"):
        return run_image(
            around.engine,
            candidate.id,
            spec.smoke,
            labels=around.labels,
            cancel=around.cancel,
            services=services,
            peers=around.peers,
        )


def _run_ahead(
    candidate: ImageFacts,
    spec: BuildSpec,
    program: Artifact,
    services: Mapping[str, str],
    around: Surroundings,
    *,
    end: threading.Event,
) -> Transcript | None:
    """Run the image's program on this machine; None where there is no sandbox for it, and where it was ended."""
    from orchestrator.smoke.sandbox import NoSandboxError  # noqa: PLC0415 - a known one is not run

    with told(around.emit, Lane.CHECKS, "smoke run of the image's program on this machine"):
        try:
            return _on_this_machine(candidate, spec, program, services, around, cancel=end, sandboxed=True)
        except NoSandboxError:
            return None
        except InterruptedRunError:
            if around.cancel.is_set():
                raise
            # The host has compiled another program; nobody asks for this one's run any more.
            return None


def _run_here(
    candidate: ImageFacts,
    spec: BuildSpec,
    program: Artifact,
    services: Mapping[str, str],
    around: Surroundings,
    *,
    again: bool = False,
) -> Transcript:
    which = ", once more with the machine to itself" if again else ""
    with told(around.emit, Lane.CHECKS, f"smoke run of the host's program{which}"):
        return _on_this_machine(candidate, spec, program, services, around, cancel=around.cancel, sandboxed=False)


def _on_this_machine(
    candidate: ImageFacts,
    spec: BuildSpec,
    program: Artifact,
    services: Mapping[str, str],
    around: Surroundings,
    *,
    cancel: threading.Event,
    sandboxed: bool,
) -> Transcript:
    from orchestrator.binary.loading.launch import words_after  # noqa: PLC0415 - a known one is not run
    from orchestrator.smoke.local import AsInImage, Beside, run_local  # noqa: PLC0415 - a known one is not run

    variables = {name: value for name, value in candidate.environment.items() if name not in {"PATH", "HOME"}}
    return run_local(
        program.path,
        words_after(candidate, spec.smoke.arguments, spec.image.binary),
        spec.smoke,
        image=AsInImage(variables=variables, directory=candidate.working_directory, stop_signal=candidate.stop_signal),
        environment=around.environment,
        scratch=around.workspace.scratch,
        cancel=cancel,
        beside=Beside(engine=around.engine, labels=around.labels, images=services),
        sandboxed=sandboxed,
    )


def _recalled(key: str, around: Surroundings) -> Transcript | None:
    return from_json(around.workspace.recall("smoke", key))


def _local_key(program: Artifact, image_key: str) -> str:
    return memo_key({"program": program.sha256, "image": image_key})


def _image_key(candidate: ImageFacts, spec: BuildSpec, services: Mapping[str, str], around: Surroundings) -> str:
    plan = spec.smoke.model_dump(mode="json")
    beside = {"services": services, "peers": around.peers.digest}
    return memo_key({"image": candidate.id, "plan": plan, **beside, "tool": VERSION})
