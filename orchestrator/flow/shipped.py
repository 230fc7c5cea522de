"""All that is known of the shipped program's way from the sources, gathered for the check that judges it."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from orchestrator.dockerfile.calls import cargo_calls, place_calls
from orchestrator.dockerfile.harden import without_hardening
from orchestrator.dockerfile.inherited import inherits
from orchestrator.dockerfile.marks import cache_mounts, changes, launch_by_cargo, texts_written
from orchestrator.gate.checks.stub_free import Brought, Likeness, PlacedCall, ShippedFacts
from orchestrator.parity.rung import SAME_CONTENT
from orchestrator.toolchains.cargo.witness import read_witness

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from orchestrator.binary.profile import BinaryProfile
    from orchestrator.build.artifact import Artifact
    from orchestrator.build.image import ImageBuild
    from orchestrator.build.local import LocalBuild
    from orchestrator.dockerfile.model import Stage
    from orchestrator.flow.prepare import Prepared
    from orchestrator.flow.surroundings import Surroundings
    from orchestrator.parity.difference import Comparison
    from orchestrator.source.snapshot import Snapshot
    from orchestrator.spec.model import BuildSpec
    from orchestrator.toolchains.cargo.project import CargoProject

_UPX_MARK, _UPX_REACH = b"UPX!", 4096
"""UPX leaves its name right behind the program headers (https://github.com/upx/upx, `l_info`)."""


def shipped_facts(
    spec: BuildSpec,
    snapshot: Snapshot,
    prepared: Prepared,
    local: LocalBuild,
    image: ImageBuild,
    *,
    comparison: Comparison | None,
    around: Surroundings,
) -> ShippedFacts:
    """Return the facts, with the plan's lines. `comparison`: of the host's program with the shipped one, unpacked."""
    project, builder = prepared.project, prepared.builder
    sources = {_from_root(file.path, project.root): file.sha256 for file in snapshot.files}
    calls = _placed(prepared, image)
    steps = [each for stage in prepared.dockerfile.stages for each in stage.instructions if each.keyword == "RUN"]
    return ShippedFacts(
        shipped=image.shipped,
        builder=image.builder,
        local=local.artifact,
        likenesses=tuple(_likenesses(image, comparison, around)),
        packed=packer(image.shipped, local.artifact),
        calls=calls,
        sources=sources,
        inputs=_inputs(project, local, sources),
        placeholders=texts_written(prepared.dockerfile),
        package=project.package,
        package_folder=next(
            _from_root(member.folder, project.root) for member in project.members if member.name == project.package
        ),
        binary=project.binary,
        profile_folder=project.profile_folder,
        programs={name: member.name for member in project.members for name in member.binaries},
        image_path=spec.image.binary,
        image_programs=image.programs,
        dockerfile=prepared.dockerfile.file,
        cargo_lines=builder.cargo_lines,
        linking_lines=tuple(
            step.line
            for step in steps
            if step.line in builder.cargo_lines and (not cargo_calls(step) or any(c.links for c in cargo_calls(step)))
        ),
        unwitnessed_lines=tuple(
            step.line
            for step in steps
            if step.line in builder.cargo_lines
            and any(call.by_path for call in cargo_calls(step))
            and not any(placed.line == step.line for placed in calls)
        ),
        copies=builder.copies,
        builder_path=builder.program,
        builder_stages=frozenset(_based_on(prepared)),
        idle_lines=tuple(_idle_lines(prepared, spec.image.target)),
        mounts={step.line: cache_mounts(step) for step in steps},
        brought=_brought(prepared, image),
        triggers=_triggers(prepared),
        changes=changes(prepared.dockerfile.needed(spec.image.target)),
        launch=launch_by_cargo(prepared.dockerfile, spec.image.target),
        logs=image.logs,
        guard=spec.stub.guard,
    )


def _from_root(path: str, root: str) -> str:
    return posixpath.normpath(path) if root == "." else posixpath.relpath(path, root)


def _inputs(project: CargoProject, local: LocalBuild, sources: Mapping[str, str]) -> tuple[str, ...]:
    """Return what the host's program was compiled from, and the manifests of the packages that this lies in."""
    compiled = [_from_root(path, project.root) for path in local.inputs]
    folders = {_from_root(member.folder, project.root) for member in project.members}
    owning = {folder for folder in folders if any(folder == "." or path.startswith(f"{folder}/") for path in compiled)}
    manifests = sorted(posixpath.normpath(f"{folder}/Cargo.toml") for folder in owning)
    return tuple(
        path
        for path in dict.fromkeys((*compiled, *manifests, "Cargo.toml", "Cargo.lock"))
        if path in sources or path in compiled
    )


def _placed(prepared: Prepared, image: ImageBuild) -> tuple[PlacedCall, ...]:
    calls = read_witness(image.witness, preferred=frozenset(_based_on(prepared)))
    present = [call for call in calls if not call.earlier]
    lines = place_calls(
        prepared.dockerfile, [(call.stage, call.arguments, without_hardening(call.step)) for call in present]
    )
    known = dict(zip((call.id for call in present), lines, strict=True))
    return tuple(PlacedCall(call=call, line=None if call.earlier else known[call.id]) for call in calls)


def _idle_lines(prepared: Prepared, target: str | None) -> Iterator[int]:
    needed = prepared.dockerfile.needed(target)
    for stage in prepared.dockerfile.stages:
        if stage not in needed:
            yield from (each.line for each in stage.instructions if each.keyword == "RUN" and cargo_calls(each))


def _based_on(prepared: Prepared) -> Iterator[int]:
    stage: Stage | None = prepared.builder.stage
    while stage is not None:
        yield stage.index
        stage = None if stage.base_stage is None else prepared.dockerfile.stages[stage.base_stage]


def _triggers(prepared: Prepared) -> tuple[int, str] | None:
    """Return (line of FROM, image) where the builder stage stands on an image whose ONBUILD triggers nobody sees."""
    stage = prepared.builder.stage
    while stage.base_stage is not None:
        stage = prepared.dockerfile.stages[stage.base_stage]
    base = prepared.bases.get(stage.base)
    unseen = base is not None and base.triggers and not inherits(prepared.dockerfile, stage)
    return (stage.line, stage.base) if unseen else None


def _brought(prepared: Prepared, image: ImageBuild) -> Brought | None:
    """Return what brings the program into the builder stage ready-made, as far as the Dockerfile and context tell."""
    builder = prepared.builder
    if builder.image is not None:
        return Brought(line=builder.image[0], source=f"the image {builder.image[1]}")
    for line, path in builder.context:
        if path in image.context.files:
            return Brought(line=line, source=f"the build context ({path})")
    steps = [each for each in builder.stage.instructions if each.keyword == "RUN"]
    if not steps and builder.stage.base_stage is None and _triggers(prepared) is None:
        return Brought(line=builder.stage.line, source=f"the base image {builder.stage.base}")
    return None


def _likenesses(image: ImageBuild, comparison: Comparison | None, around: Surroundings) -> Iterator[Likeness]:
    """Yield how the shipped program compares with the builder stage's and the host's, where it differs from them."""
    shipped, builder = image.shipped, image.builder
    if shipped is None:
        return
    if builder is not None and builder.sha256 != shipped.sha256:
        from orchestrator.parity.compare import compare_files  # noqa: PLC0415 - equal programs need none of it

        paths = {builder.sha256: builder.path, shipped.sha256: shipped.path}
        nearest = compare_files(
            builder.sha256, shipped.sha256, size=builder.size, profile=lambda digest: _profile(paths, digest, around)
        )
        yield _likeness("the program of the builder stage", nearest)
    if comparison is not None and comparison.local_sha256 != comparison.image_sha256:
        yield _likeness("the host's program", comparison)


def _profile(paths: Mapping[str, Path], digest: str, around: Surroundings) -> BinaryProfile:
    from orchestrator.binary.read import profile_of  # noqa: PLC0415 - as above

    return profile_of(paths[digest], digest, workspace=around.workspace)


def _likeness(name: str, comparison: Comparison) -> Likeness:
    return Likeness(
        with_=name,
        sha256=comparison.local_sha256,
        same_content=comparison.rung in SAME_CONTENT,
        change=_change(comparison),
    )


def _change(comparison: Comparison) -> str:
    difference = comparison.difference
    if difference is None:
        return "nothing differs"
    before, after = difference.local, difference.image
    gone = [
        *(["its symbols"] if after.stripped and not before.stripped else []),
        *(["its debug information"] if before.debug_info and not after.debug_info else []),
    ]
    return (
        f"{' and '.join(gone)} {'is' if gone == ['its debug information'] else 'are'} gone"
        if gone
        else comparison.held_by
    )


def packer(shipped: Artifact | None, local: Artifact) -> str | None:
    """Return the packer that left its mark in the shipped program; None where none did, or it is the host's."""
    if shipped is None or shipped.sha256 == local.sha256:
        return None
    with shipped.path.open("rb") as stream:
        return "UPX" if _UPX_MARK in stream.read(_UPX_REACH) else None
