"""The smoke runs of image and host program: at the same time, and once for the same content and plan."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

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

    from orchestrator.build.local import LocalBuild
    from orchestrator.engine.image_facts import ImageFacts
    from orchestrator.flow.surroundings import Surroundings
    from orchestrator.spec.model import BuildSpec


def begin_image_run(
    candidate: ImageFacts, spec: BuildSpec, around: Surroundings, *, pool: Executor
) -> Future[Transcript] | None:
    """Begin the image's run before there is a host's program to run beside it; None where it is remembered."""
    services = service_images(spec, around)
    if from_json(around.workspace.recall("smoke", _image_key(candidate, spec, services, around))) is not None:
        return None
    return pool.submit(_run_image, candidate, spec, services, around)


def both_runs(
    candidate: ImageFacts,
    spec: BuildSpec,
    local: LocalBuild,
    around: Surroundings,
    *,
    remembered: set[str],
    begun: Future[Transcript] | None = None,
) -> tuple[Transcript, Transcript]:
    """Return the runs of image and host program.

    Args:
        candidate: the image.
        spec: holds the plan.
        local: the host's build.
        around: the run.
        remembered: gets the checks whose runs were not made again.
        begun: the image's run, where it goes on already.

    Raises:
        NoVerdictError: a run could not be made.
    """
    services = service_images(spec, around)
    image_key = _image_key(candidate, spec, services, around)
    local_key = memo_key({"program": local.artifact.sha256, "image": image_key})
    image_run = from_json(around.workspace.recall("smoke", image_key))
    local_run = from_json(around.workspace.recall("smoke", local_key))
    with ThreadPoolExecutor(2) as pool:
        images = begun
        if images is None and image_run is None:
            images = pool.submit(_run_image, candidate, spec, services, around)
        locals_ = pool.submit(_run_local, candidate, spec, local, services, around) if local_run is None else None
        if images is None:
            remembered.add("smoke")
        else:
            image_run = images.result()
            if images is begun and smoke.judge(image_run, spec.smoke).status is not Status.PASSED:
                # The host's compiler was at work beside it: what is refused has had the machine to itself.
                image_run = _run_image(candidate, spec, services, around, again=True)
        if locals_ is not None:
            local_run = locals_.result()
        elif images is None:
            remembered.add("behaviour")
    if image_run is None or local_run is None:
        msg = "a run has neither been made nor remembered"
        raise AssertionError(msg)
    answers = (
        smoke.judge(image_run, spec.smoke),
        behaviour.judge(local_run, image_run, volatile=spec.smoke.volatile),
    )
    # What was refused is run again: this machine may have been too busy, or a port taken.
    if all(answer.status is Status.PASSED for answer in answers):
        around.workspace.remember("smoke", image_key, to_json(image_run))
        around.workspace.remember("smoke", local_key, to_json(local_run))
    return image_run, local_run


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


def _run_local(
    candidate: ImageFacts, spec: BuildSpec, local: LocalBuild, services: Mapping[str, str], around: Surroundings
) -> Transcript:
    from orchestrator.binary.loading.launch import words_after  # noqa: PLC0415 - a known one is not run
    from orchestrator.smoke.local import Beside, run_local  # noqa: PLC0415 - a known one is not run

    variables = {name: value for name, value in candidate.environment.items() if name not in {"PATH", "HOME"}}
    with told(around.emit, Lane.CHECKS, "smoke run of the host's program"):
        return run_local(
            local.artifact.path,
            words_after(candidate, spec.smoke.arguments, spec.image.binary),
            spec.smoke,
            variables=variables,
            environment=around.environment,
            scratch=around.workspace.scratch,
            cancel=around.cancel,
            beside=Beside(engine=around.engine, labels=around.labels, images=services),
            stop_signal=candidate.stop_signal,
        )


def _image_key(candidate: ImageFacts, spec: BuildSpec, services: Mapping[str, str], around: Surroundings) -> str:
    plan = spec.smoke.model_dump(mode="json")
    beside = {"services": services, "peers": around.peers.digest}
    return memo_key({"image": candidate.id, "plan": plan, **beside, "tool": VERSION})
