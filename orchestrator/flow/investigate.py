"""From the two builds to the evidence that the checks judge: programs compared, loading read, both sides run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.dockerfile.marks import launch
from orchestrator.errors import EngineUnreachableError
from orchestrator.flow.loading import loading_known, read_loading
from orchestrator.flow.pool import ended_together
from orchestrator.flow.runs import both_runs
from orchestrator.flow.shipped import packer, shipped_facts
from orchestrator.flow.told_lines import in_the_users_lines
from orchestrator.gate.checks import stub_free
from orchestrator.gate.run_checks import GateEvidence
from orchestrator.parity.difference import identical

if TYPE_CHECKING:
    from orchestrator.binary.loading import LoadFacts
    from orchestrator.build.image import ImageBuild
    from orchestrator.build.local import LocalBuild
    from orchestrator.engine.image_facts import ImageFacts
    from orchestrator.flow.ahead import Ahead
    from orchestrator.flow.prepare import Prepared
    from orchestrator.flow.surroundings import Surroundings
    from orchestrator.gate.checks.stub_free import Packed
    from orchestrator.inventory.model import SideInventory
    from orchestrator.parity.difference import Comparison
    from orchestrator.smoke.transcript import Transcript
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
    ahead: Ahead | None = None,
) -> GateEvidence:
    """Return all that can be found out about the candidate.

    Args:
        spec: what is built.
        snapshot: its sources.
        prepared: what was known before the builds.
        local: the host's build.
        image: the image's.
        sides: what host and image compile with.
        around: the run.
        ahead: what was begun of it while the builds went on.

    Raises:
        NoVerdictError: of the kind that fits.
    """
    candidate = around.engine.image(image.candidate_id)
    if candidate is None:
        raise EngineUnreachableError("the engine lost the candidate image", repair="run the build again")
    remembered: set[str] = set()
    loading, image_run, local_run = _looked_at(
        candidate, spec, prepared, local, image, around=around, ahead=ahead, remembered=remembered
    )
    copies = prepared.builder.copies
    starts = launch(prepared.dockerfile, prepared.image.target)
    first = next((each for each in starts if each.keyword == "ENTRYPOINT"), next(iter(starts), None))
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
        launch_line=prepared.dockerfile.location(first.line) if first else None,
        remembered=frozenset(remembered),
        damaged=_damaged(comparison, around),
    )


def _damaged(comparison: Comparison | None, around: Surroundings) -> tuple[str, ...]:
    """Return what the host may have linked that is no longer what was compiled; only where programs differ."""
    if comparison is None or comparison.difference is None:
        return ()
    from orchestrator.toolchains.cargo.kept_sums import KeptSums  # noqa: PLC0415 - an equal pair needs none of it

    return KeptSums(around.workspace).damaged(around.workspace.target)


def _looked_at(
    candidate: ImageFacts,
    spec: BuildSpec,
    prepared: Prepared,
    local: LocalBuild,
    image: ImageBuild,
    *,
    around: Surroundings,
    ahead: Ahead | None,
    remembered: set[str],
) -> tuple[LoadFacts, Transcript, Transcript]:
    """Return (what starting the image takes, the image's run, the host program's); `remembered` gets what is known."""
    runs, reading = (ahead.runs, ahead.loading) if ahead else (None, None)
    known = loading_known(candidate, spec, around=around) if reading is None else None
    with ended_together(around.cancel, 1) as pool:
        if known is not None:
            remembered.add("loadable")
        elif reading is None:
            # Beside the runs: all of them mostly wait for the engine, and none needs the other's answer.
            base = prepared.image.base_layers
            reading = pool.submit(read_loading, candidate, spec, image, base=base, around=around)
        same = image.shipped is not None and image.shipped.sha256 == local.artifact.sha256
        image_run, local_run = both_runs(
            candidate, spec, local, around, remembered=remembered, begun=runs, same_program=same
        )
        loading = reading.result() if reading else known
    if loading is None:
        msg = "what starting the image takes has neither been read nor remembered"
        raise AssertionError(msg)
    return loading, image_run, local_run


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
