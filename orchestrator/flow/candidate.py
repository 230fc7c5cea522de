"""From the snapshot to a candidate: both builds, and all that can be found out about what they made."""

from __future__ import annotations

import time
from concurrent.futures import FIRST_EXCEPTION, wait
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from orchestrator.build.handover import Handover
from orchestrator.build.image import ImageBuild, build_image
from orchestrator.build.local import LocalBuild, build_local
from orchestrator.build.settings import Where
from orchestrator.engine.process import Process
from orchestrator.engine.sweep import sweep
from orchestrator.events import Lane, told
from orchestrator.flow.ahead import WORKERS, Ahead
from orchestrator.flow.failures import awaits_host, told_failure
from orchestrator.flow.investigate import investigate
from orchestrator.flow.lock import Footing, builder_questions, builders_base, check_builder, check_footing
from orchestrator.flow.pool import ended_together
from orchestrator.flow.prepare import Prepared, prepare
from orchestrator.gate.checks import selftest
from orchestrator.gate.run_checks import run_checks

if TYPE_CHECKING:
    from concurrent.futures import Future

    from orchestrator.flow.surroundings import Surroundings
    from orchestrator.gate.run_checks import GateEvidence
    from orchestrator.source.snapshot import Snapshot
    from orchestrator.spec.lockfile import LockedInventory
    from orchestrator.spec.model import BuildSpec
    from orchestrator.verdict import CheckResult
    from orchestrator.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What a run has made and found out, before anybody judges it."""

    prepared: Prepared
    local: LocalBuild
    image: ImageBuild
    evidence: GateEvidence
    footing: Footing


def make_candidate(
    spec: BuildSpec,
    snapshot: Snapshot,
    around: Surroundings,
    *,
    lock: LockedInventory | None = None,
    locked: bool = False,
) -> Candidate:
    """Build both sides of a laid-out snapshot and gather the evidence; what dead runs left is removed first.

    Args:
        spec: what is built.
        snapshot: its sources.
        around: the run.
        lock: what the build is held against before it begins; None where nothing was locked.
        locked: whether a change since then forbids the build.

    Raises:
        NoVerdictError: of the kind that fits.
    """
    sweep(around.engine, dict(around.labels))
    prepared = prepare(spec, snapshot, around)
    footing = check_footing(spec, prepared, around, lock=lock, locked=locked)
    with ended_together(around.cancel, WORKERS) as pool:
        ahead = Ahead(pool=pool)
        local, image = _both_builds(spec, prepared, around, ahead=ahead)
        footing = check_builder(footing, image.builder_side, prepared, around, lock=lock, locked=locked)
        evidence = investigate(spec, snapshot, prepared, local, image, sides=footing.sides, around=around, ahead=ahead)
    return Candidate(prepared=prepared, local=local, image=image, evidence=evidence, footing=footing)


def judge_candidate(spec: BuildSpec, evidence: GateEvidence, *, workspace: Workspace) -> tuple[CheckResult, ...]:
    """Return what every check says of a candidate's evidence."""
    checks = run_checks(evidence, image_settings=spec.image, parity_settings=spec.parity, smoke_settings=spec.smoke)
    if spec.gate.require_selftest is None:
        return checks
    last = workspace.recall(*selftest.LAST)
    return (*checks, selftest.judge(last, within=spec.gate.require_selftest, now=time.time()))


def _both_builds(
    spec: BuildSpec, prepared: Prepared, around: Surroundings, *, ahead: Ahead
) -> tuple[LocalBuild, ImageBuild]:
    """Run both builds at the same time; one that fails ends the other (failures.py says which error is the run's)."""
    plan = prepared.handover
    handover = Handover(plan, around.engine, around.workspace) if plan is not None else None
    with ended_together(around.cancel, 2) as pool:
        local = pool.submit(_local_build, spec, prepared, handover, around)
        image = pool.submit(_image_build, spec, prepared, handover, around, local=local, ahead=ahead)
        both: tuple[Future[Any], ...] = (local, image)
        local.add_done_callback(partial(_host_done, image, prepared, around, ahead))
        wait(both, return_when=FIRST_EXCEPTION)
        if awaits_host(image, [prepared.dockerfile.lines.told(line) for line in prepared.builder.cargo_lines]):
            wait((local,))
        failure = told_failure(local, image)
        if failure is not None:
            raise failure
        return local.result(), image.result()


def _host_done(
    image: Future[ImageBuild], prepared: Prepared, around: Surroundings, ahead: Ahead, local: Future[LocalBuild]
) -> None:
    if not local.cancelled() and local.exception() is None and not image.done():
        ahead.host_done(local.result(), prepared, around)


def _local_build(spec: BuildSpec, prepared: Prepared, handover: Handover | None, around: Surroundings) -> LocalBuild:
    base = builders_base(prepared) if spec.local.where is Where.CONTAINER else None
    if base is not None:
        from orchestrator.build.clean_container import build_in_container  # noqa: PLC0415 - few specs ask for it

        return build_in_container(
            around.engine,
            prepared.local,
            base,
            workspace=around.workspace,
            labels=around.labels,
            log=around.logs / "local.log",
            emit=around.emit,
            cancel=around.cancel,
        )
    succeeded = False
    try:
        built = build_local(
            prepared.local,
            workspace=around.workspace,
            log=around.logs / "local.log",
            environment=around.environment,
            emit=around.emit,
            cancel=around.cancel,
            watch=handover.watch if handover else None,
            # The image's lane has more to do after its build than this one. Where both compete for processors it goes
            # first: reading its evidence and normalising it falls into the time in which the host still compiles.
            started=handover.started if handover else Process.give_way,
        )
        succeeded = True
        return built
    finally:
        if handover is not None:
            handover.ended(succeeded=succeeded, workspace=around.workspace)


def _image_build(
    spec: BuildSpec,
    prepared: Prepared,
    handover: Handover | None,
    around: Surroundings,
    *,
    local: Future[LocalBuild],
    ahead: Ahead,
) -> ImageBuild:
    if handover is not None and handover.awaited:
        with told(around.emit, Lane.IMAGE, "dependencies compiled by the host", own=True):
            handover.wait(around.engine, workspace=around.workspace, cancel=around.cancel)
    built = build_image(
        around.engine,
        prepared.image,
        workspace=around.workspace,
        labels=around.labels,
        log=around.logs / "image.log",
        emit=around.emit,
        cancel=around.cancel,
        asked=builder_questions(prepared, around),
        hold=around.hold,
    )
    if handover is not None:
        handover.settle(around.engine)
    if spec.local.where is Where.HOST and not local.done():
        ahead.image_done(built, spec, prepared, around)
    return built
