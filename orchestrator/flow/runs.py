"""The smoke runs of image and host program: at the same time, and once for the same content and plan.

An image that is done first is run while the host still compiles, and so is its program on this machine. As a rule the
host's program is the same bytes then, and that run was its run; otherwise it is made again with the host's own.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.errors import NoVerdictError
from orchestrator.events import Lane, told
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Runs that were begun while the host still compiled.

    Attributes:
        image: the image's; None where it is remembered.
        program: the one that `here` runs.
        here: the run of the image's program on this machine; None where it is remembered, or is not made.
    """

    image: Future[Transcript] | None = None
    program: Artifact | None = None
    here: Future[Transcript] | None = None


def begin_runs(
    candidate: ImageFacts, image: ImageBuild, spec: BuildSpec, around: Surroundings, *, pool: Executor
) -> Begun:
    """Begin the runs that are not remembered, before there is a host's program."""
    services = service_images(spec, around)
    key = _image_key(candidate, spec, services, around)
    program, image_run, here = image.shipped, None, None
    if _recalled(key, around) is None:
        image_run = pool.submit(_run_image, candidate, spec, services, around)
    # What does not even come from the builder stage will not be what the host compiles.
    likely = program is not None and image.builder is not None and image.builder.sha256 == program.sha256
    if program is not None and likely and _recalled(_local_key(program, key), around) is None:
        here = pool.submit(_run_here, candidate, spec, program, services, around, ahead=True)
    return Begun(image=image_run, program=program, here=here)


def both_runs(
    candidate: ImageFacts,
    spec: BuildSpec,
    local: LocalBuild,
    around: Surroundings,
    *,
    remembered: set[str],
    begun: Begun | None = None,
) -> tuple[Transcript, Transcript]:
    """Return the runs of image and host program.

    Args:
        candidate: the image.
        spec: holds the plan.
        local: the host's build.
        around: the run.
        remembered: gets the checks whose runs were not made again.
        begun: what goes on already.

    Raises:
        NoVerdictError: a run could not be made.
    """
    begun = begun or Begun()
    services = service_images(spec, around)
    image_key = _image_key(candidate, spec, services, around)
    local_key = _local_key(local.artifact, image_key)
    image_run, local_run = _recalled(image_key, around), _recalled(local_key, around)
    if image_run is not None and begun.image is None:
        remembered.update({"smoke"} if local_run is None else {"smoke", "behaviour"})
    with ThreadPoolExecutor(2) as pool:
        images = begun.image
        if images is None and image_run is None:
            images = pool.submit(_run_image, candidate, spec, services, around)
        locals_ = None
        if local_run is None:
            locals_ = pool.submit(_local_run, candidate, spec, local.artifact, services, around, begun=begun)
        image_run = image_run if images is None else images.result()
        local_run = local_run if locals_ is None else locals_.result()
    if image_run is None or local_run is None:
        msg = "a run has neither been made nor remembered"
        raise AssertionError(msg)
    # The host's compiler was at work beside what was begun ahead: what is refused has had the machine to itself.
    if begun.image is not None and not _passes(image_run, spec):
        image_run = _run_image(candidate, spec, services, around, again=True)
    if begun.here is not None and not _alike(local_run, image_run, spec):
        local_run = _run_here(candidate, spec, local.artifact, services, around, again=True)
    # What was refused is run again by the next build: this machine may have been too busy, or a port taken.
    if _passes(image_run, spec) and _alike(local_run, image_run, spec):
        around.workspace.remember("smoke", image_key, to_json(image_run))
        around.workspace.remember("smoke", local_key, to_json(local_run))
    return image_run, local_run


def _local_run(
    candidate: ImageFacts,
    spec: BuildSpec,
    program: Artifact,
    services: Mapping[str, str],
    around: Surroundings,
    *,
    begun: Begun,
) -> Transcript:
    """Return the host program's run: the one that was begun with the same bytes, or a new one."""
    if begun.here is not None and begun.program is not None:
        try:
            # It is waited for in any case: two programs of one project may want the same port.
            ahead = begun.here.result()
        except NoVerdictError:
            ahead = None
        if ahead is not None and ahead.unmeetable is None and begun.program.sha256 == program.sha256:
            return ahead
    return _run_here(candidate, spec, program, services, around)


def _passes(image: Transcript, spec: BuildSpec) -> bool:
    return smoke.judge(image, spec.smoke).status is Status.PASSED


def _alike(local: Transcript, image: Transcript, spec: BuildSpec) -> bool:
    return behaviour.judge(local, image, volatile=spec.smoke.volatile).status is Status.PASSED


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


def _run_here(
    candidate: ImageFacts,
    spec: BuildSpec,
    program: Artifact,
    services: Mapping[str, str],
    around: Surroundings,
    *,
    ahead: bool = False,
    again: bool = False,
) -> Transcript:
    """Run a program on this machine; `ahead`: the image's, and in a sandbox or not at all."""
    from orchestrator.binary.loading.launch import words_after  # noqa: PLC0415 - a known one is not run
    from orchestrator.smoke.local import Beside, run_local  # noqa: PLC0415 - a known one is not run

    whose = "image's program on this machine" if ahead else "host's program"
    which = ", once more with the machine to itself" if again else ""
    variables = {name: value for name, value in candidate.environment.items() if name not in {"PATH", "HOME"}}
    with told(around.emit, Lane.CHECKS, f"smoke run of the {whose}{which}"):
        return run_local(
            program.path,
            words_after(candidate, spec.smoke.arguments, spec.image.binary),
            spec.smoke,
            variables=variables,
            environment=around.environment,
            scratch=around.workspace.scratch,
            cancel=around.cancel,
            beside=Beside(engine=around.engine, labels=around.labels, images=services),
            stop_signal=candidate.stop_signal,
            sandboxed=ahead,
        )


def _recalled(key: str, around: Surroundings) -> Transcript | None:
    return from_json(around.workspace.recall("smoke", key))


def _local_key(program: Artifact, image_key: str) -> str:
    return memo_key({"program": program.sha256, "image": image_key})


def _image_key(candidate: ImageFacts, spec: BuildSpec, services: Mapping[str, str], around: Surroundings) -> str:
    plan = spec.smoke.model_dump(mode="json")
    beside = {"services": services, "peers": around.peers.digest}
    return memo_key({"image": candidate.id, "plan": plan, **beside, "tool": VERSION})
