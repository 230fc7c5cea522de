"""What a build proves by: the witness of its stages, and the program before and after it was copied into the image."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.build.artifact import Artifact, Side
from orchestrator.workspace import memo_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.build.engine_build import EngineBuild
    from orchestrator.build.image_plan import ImagePlan
    from orchestrator.engine.docker import Engine
    from orchestrator.engine.files import ContainerFiles
    from orchestrator.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class StageEvidence:
    """What the stages of a build hold as evidence.

    Attributes:
        witness: what the shim wrote, by `<stage index>/<file>`.
        builder: the program in the stage that builds it; None where there is no such file.
    """

    witness: Mapping[str, bytes]
    builder: Artifact | None


def stage_evidence(
    build: EngineBuild, raw_id: str, *, workspace: Workspace, labels: Mapping[str, str]
) -> StageEvidence:
    """Return what the stages hold; from memory, without a build, where this very image was seen before.

    Raises:
        NoVerdictError: of the kind that `EngineBuild.solve` tells.
    """
    plan = build.plan
    key = memo_key({"raw": raw_id, "context": build.context.digest, "builder": plan.builder, "version": 1})
    known = workspace.recall("evidence", key)
    if isinstance(known, dict) and _still_there(known.get("builder"), workspace):
        witness = {name: text.encode(errors="surrogateescape") for name, text in known["witness"].items()}
        return StageEvidence(witness=witness, builder=_artifact(known["builder"], plan, workspace))
    from orchestrator.engine.files import image_files  # noqa: PLC0415 - an image that is known is not read

    evidence = build.solve_evidence()
    with image_files(build.engine, evidence, labels=labels) as files:
        witness = files.walk("/witness")
        kept = _keep_program(files, plan, workspace)
    build.engine.remove_image(evidence)
    decoded = {name: content.decode(errors="surrogateescape") for name, content in witness.items()}
    workspace.remember("evidence", key, {"witness": decoded, "builder": kept})
    return StageEvidence(witness=witness, builder=_artifact(kept, plan, workspace))


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


def shipped_program(
    engine: Engine, candidate: str, binary: str, *, workspace: Workspace, labels: Mapping[str, str]
) -> Artifact | None:
    """Return the program in the candidate, kept on this machine; None where the image has no such file."""
    key = memo_key({"image": candidate, "path": binary})
    known = workspace.recall("shipped", key)
    if not isinstance(known, list) or not _still_there(known, workspace):
        from orchestrator.engine.files import image_files  # noqa: PLC0415 - as above

        with image_files(engine, candidate, labels=labels) as files, files.open(binary) as stream:
            if stream is None:
                return None
            kept: list[str | int] = list(workspace.keep_artifact(stream))
        workspace.remember("shipped", key, kept)
        known = kept
    digest, size = str(known[0]), int(known[1])
    return Artifact(side=Side.IMAGE, sha256=digest, size=size, origin=binary, path=workspace.artifact(digest))
