"""What a record keeps of that which a run stands on, and of what it made: source, tools, bases, programs, the image."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.bases.identity import base_id, image_id_of
from orchestrator.record import BaseFacts, ImageFacts, ProgramFacts, SourceFacts

if TYPE_CHECKING:
    from orchestrator.bases.image import BaseImage
    from orchestrator.build.artifact import Artifact
    from orchestrator.build.image import ImageBuild
    from orchestrator.engine.docker import Engine
    from orchestrator.flow.prepare import Prepared
    from orchestrator.flow.surroundings import Surroundings
    from orchestrator.record import ToolFacts
    from orchestrator.source.snapshot import Snapshot


def tool_facts(tool: ToolFacts, engine: Engine, prepared: Prepared) -> ToolFacts:
    """Return what is known of the tool, its engine and its toolchain."""
    found = prepared.toolchain
    return replace(tool, engine=engine.version.version, toolchain=f"{found.version} ({found.commit[:9]}, {found.host})")


def base_facts(base: BaseImage, around: Surroundings) -> BaseFacts:
    """Return which base a stage stands on, by the ID that every engine gives it."""
    known = base_id(around.engine, base, workspace=around.workspace)
    return BaseFacts(reference=base.reference, image_id=known, origin=base.origin)


def program_facts(side: str, artifact: Artifact | None, path: str) -> ProgramFacts:
    """Return what is known of a program; `path`: where it was looked for, if it is not there."""
    if artifact is None:
        return ProgramFacts(side=side, origin=path)
    return ProgramFacts(side=side, origin=artifact.origin, sha256=artifact.sha256, size=artifact.size)


def source_facts(snapshot: Snapshot) -> SourceFacts:
    """Return what was built."""
    return SourceFacts(
        digest=snapshot.digest,
        commit=snapshot.commit,
        dirty=snapshot.dirty,
        epoch=snapshot.epoch,
        files=len(snapshot.files),
    )


def outcome_facts(tag: str, image: ImageBuild, around: Surroundings) -> ImageFacts:
    """Return what the tag points to before the gate is opened."""
    before = around.engine.image(tag)
    return ImageFacts(
        raw_id=image.raw_id,
        candidate_id=image.image_id,
        engine_id=image.candidate_id,
        tag=tag,
        promoted=False,
        previous_id=image_id_of(around.engine, before.id, workspace=around.workspace) if before else None,
    )
