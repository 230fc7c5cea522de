"""From the two builds to the evidence that the checks judge: programs compared, loading read, both sides run."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.binary.loading import load_facts_from_json, load_facts_to_json
from orchestrator.errors import EngineUnreachableError
from orchestrator.events import Lane, told
from orchestrator.flow.services import service_images
from orchestrator.flow.shipped import packer, shipped_facts
from orchestrator.flow.told_lines import in_the_users_lines
from orchestrator.gate.checks import behaviour, smoke, stub_free
from orchestrator.gate.run_checks import GateEvidence
from orchestrator.parity.difference import identical
from orchestrator.smoke.transcript import Transcript, from_json, to_json
from orchestrator.verdict import Status
from orchestrator.version import VERSION
from orchestrator.workspace import memo_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.binary.loading import LoadFacts
    from orchestrator.build.image import ImageBuild
    from orchestrator.build.local import LocalBuild
    from orchestrator.engine.image_facts import ImageFacts
    from orchestrator.flow.prepare import Prepared, Surroundings
    from orchestrator.gate.checks.stub_free import Packed
    from orchestrator.inventory.model import SideInventory
    from orchestrator.parity.difference import Comparison
    from orchestrator.source.snapshot import Snapshot
    from orchestrator.spec.model import BuildSpec


def investigate(
    spec: BuildSpec,
    snapshot: Snapshot,
    prepared: Prepared,
    local: LocalBuild,
    image: ImageBuild,
    *,
    sides: tuple[SideInventory, SideInventory],
    around: Surroundings,
) -> GateEvidence:
    """Return all that can be found out about the candidate; `sides`: what host and image compile with."""
    candidate = around.engine.image(image.candidate_id)
    if candidate is None:
        raise EngineUnreachableError("the engine lost the candidate image", repair="run the build again")
    remembered: set[str] = set()
    with ThreadPoolExecutor(1) as pool:
        # Both mostly wait for the engine, and neither needs the other's answer.
        base = tuple(prepared.image.base_layers)
        reading = pool.submit(_loading, candidate, spec, image, base=base, around=around, remembered=remembered)
        image_run, local_run = _runs(candidate, spec, local, around, remembered)
        loading = reading.result()
    copies = prepared.builder.copies
    comparison = _comparison(prepared, local, image, sides, around)
    comparison, inside, plain, packed_as = _unpacked(prepared, local, image, comparison, sides=sides, around=around)
    shipped = shipped_facts(spec, snapshot, prepared, local, inside, comparison=plain, around=around)
    shipped = replace(shipped, packed_as=packed_as)
    if stub_free.is_open(shipped):
        from orchestrator.flow.control import with_control  # noqa: PLC0415 - a run that passes needs none of it

        shipped = with_control(shipped, prepared, image, around)
    return GateEvidence(
        shipped=in_the_users_lines(shipped, prepared.dockerfile.lines),
        comparison=comparison,
        loading=loading,
        image_run=image_run,
        local_run=local_run,
        copy_line=prepared.dockerfile.location(copies[0]) if copies else None,
        remembered=frozenset(remembered),
    )


def _unpacked(
    prepared: Prepared,
    local: LocalBuild,
    image: ImageBuild,
    comparison: Comparison | None,
    *,
    sides: tuple[SideInventory, SideInventory],
    around: Surroundings,
) -> tuple[Comparison | None, ImageBuild, Comparison | None, Packed | None]:
    """Return (comparison of what ships, the image with what was packed, comparison of that, how it was packed)."""
    shipped = image.shipped
    if shipped is None or comparison is None or packer(shipped, local.artifact) is None:
        return comparison, image, comparison, None
    from orchestrator.flow.unpack import compared_packed, seen_through, unpack  # noqa: PLC0415 - only for packed ones

    unpacked = unpack(prepared, image, shipped, around)
    if unpacked is None:
        return comparison, image, comparison, None
    inside = seen_through(image, unpacked)
    plain = _comparison(prepared, local, inside, sides, around)
    told = comparison if plain is None else compared_packed(comparison, plain, unpacked.packed)
    return told, inside, plain, unpacked.packed


def _comparison(
    prepared: Prepared,
    local: LocalBuild,
    image: ImageBuild,
    sides: tuple[SideInventory, SideInventory],
    around: Surroundings,
) -> Comparison | None:
    shipped = image.shipped
    if shipped is None:
        return None
    if local.artifact.sha256 == shipped.sha256:
        return identical(shipped.sha256, shipped.size)
    from orchestrator.binary.content.explain import explain_difference  # noqa: PLC0415 - an equal pair needs none of it
    from orchestrator.binary.content.unmatched import unmatched_code  # noqa: PLC0415 - same
    from orchestrator.binary.read import profile_of  # noqa: PLC0415 - same
    from orchestrator.flow.inputs import build_facts  # noqa: PLC0415 - same
    from orchestrator.parity.compare import compare_files  # noqa: PLC0415 - same

    paths = {local.artifact.sha256: local.artifact.path, shipped.sha256: shipped.path}
    return compare_files(
        local.artifact.sha256,
        shipped.sha256,
        size=local.artifact.size,
        profile=lambda digest: profile_of(paths[digest], digest, workspace=around.workspace),
        own=[member.name.replace("-", "_") for member in prepared.project.members],
        content=lambda here, there: explain_difference(paths[here], paths[there]),
        facts=build_facts(prepared, local, image, sides, workspace=around.workspace),
        unmatched=lambda here, there: unmatched_code(paths[here], paths[there]),
    )


def _loading(
    candidate: ImageFacts,
    spec: BuildSpec,
    image: ImageBuild,
    *,
    base: tuple[str, ...],
    around: Surroundings,
    remembered: set[str],
) -> LoadFacts:
    key = memo_key(
        {"image": candidate.id, "binary": spec.image.binary, "arguments": spec.smoke.arguments, "tool": VERSION}
    )
    known = load_facts_from_json(around.workspace.recall("loading", key))
    if known is not None:
        remembered.add("loadable")
        return known
    from orchestrator.binary.loading.read import read_loadable  # noqa: PLC0415 - an image that is known needs none of it
    from orchestrator.build.base_files import BaseFiles  # noqa: PLC0415 - same
    from orchestrator.engine.files import image_files  # noqa: PLC0415 - same

    with (
        told(around.emit, Lane.CHECKS, "what starting the image takes, read out of it", own=True),
        image_files(around.engine, candidate.id, labels=around.labels) as files,
    ):
        facts = read_loadable(
            BaseFiles(
                files,
                # Of an image that was not made on its base nothing is known to be the base's.
                layers=base if candidate.layers[: len(base)] == base else (),
                touched=image.touched,
                workspace=around.workspace,
            ),
            candidate,
            binary=spec.image.binary,
            program=image.shipped.path if image.shipped else None,
            arguments=spec.smoke.arguments,
        )
    around.workspace.remember("loading", key, load_facts_to_json(facts))
    return facts


def _runs(
    candidate: ImageFacts, spec: BuildSpec, local: LocalBuild, around: Surroundings, remembered: set[str]
) -> tuple[Transcript, Transcript]:
    """Return the runs of image and host program, at the same time; remembered for the very same content and plan."""
    plan = spec.smoke.model_dump(mode="json")
    services = service_images(spec, around)
    beside = {"services": services, "peers": around.peers.digest}
    image_key = memo_key({"image": candidate.id, "plan": plan, **beside, "tool": VERSION})
    local_key = memo_key({"program": local.artifact.sha256, "image": image_key})
    image_run = from_json(around.workspace.recall("smoke", image_key))
    local_run = from_json(around.workspace.recall("smoke", local_key))
    with ThreadPoolExecutor(2) as pool:
        images = pool.submit(_run_image, candidate, spec, services, around) if image_run is None else None
        locals_ = pool.submit(_run_local, candidate, spec, local, services, around) if local_run is None else None
        if images is None:
            remembered.add("smoke")
        else:
            image_run = images.result()
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


def _run_image(candidate: ImageFacts, spec: BuildSpec, services: Mapping[str, str], around: Surroundings) -> Transcript:
    from orchestrator.smoke.image import run_image  # noqa: PLC0415 - an image that is known is not run

    with told(around.emit, Lane.CHECKS, "smoke run of the image's entrypoint"):
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
