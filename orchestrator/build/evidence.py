"""What a build proves by: the witness of its stages, and the program before and after it was copied into the image."""

from __future__ import annotations

import posixpath
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.build.artifact import Artifact, Side
from orchestrator.dockerfile.evidence_stages import PROGRAM_STAGE
from orchestrator.errors import ImageBuildFailedError
from orchestrator.toolchains.cargo.witness import read_witness
from orchestrator.workspace import memo_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from orchestrator.build.canonical_layer import LayerNames
    from orchestrator.build.engine_build import EngineBuild
    from orchestrator.build.image_plan import ImagePlan
    from orchestrator.engine.archive import Layer
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
    build: EngineBuild,
    raw_id: str,
    shipped: Callable[[], Artifact | None],
    *,
    workspace: Workspace,
    labels: Mapping[str, str],
) -> StageEvidence:
    """Return what the stages hold; from memory, without a build, where this very image was seen before.

    Args:
        build: of the shipped stage, which is there.
        raw_id: the shipped stage's image.
        shipped: gives the program in it; may wait for that.
        workspace: remembers the answer, and keeps the program.
        labels: on the containers that are used.

    Raises:
        NoVerdictError: of the kind that `EngineBuild.solve` tells.
    """
    plan = build.plan
    key = memo_key({"raw": raw_id, "context": build.context.digest, "builder": plan.builder, "version": 1})
    known = workspace.recall("evidence", key)
    if isinstance(known, dict) and _still_there(known.get("builder"), workspace):
        witness = {name: text.encode(errors="surrogateescape") for name, text in known["witness"].items()}
        return StageEvidence(witness=witness, builder=_artifact(known["builder"], plan, workspace))
    witness = _witness(build, labels)
    program = shipped()
    if program is not None and program.sha256 == last_witnessed(witness, plan.builder):
        kept: list[str | int] | None = [program.sha256, program.size]
    else:
        kept = _keep_program(build, workspace=workspace, labels=labels)
    decoded = {name: content.decode(errors="surrogateescape") for name, content in witness.items()}
    workspace.remember("evidence", key, {"witness": decoded, "builder": kept})
    return StageEvidence(witness=witness, builder=_artifact(kept, plan, workspace))


def _witness(build: EngineBuild, labels: Mapping[str, str]) -> dict[str, bytes]:
    evidence = build.solve_evidence()
    if evidence is None:
        return {}
    with _read_once(build.engine, evidence, labels) as files:
        return files.walk("/witness")


@contextmanager
def _read_once(engine: Engine, image: str, labels: Mapping[str, str]) -> Iterator[ContainerFiles]:
    """Give access to the files of an image that is removed after the block."""
    from orchestrator.engine.files import image_files  # noqa: PLC0415 - an image that is known is not read

    try:
        with image_files(engine, image, labels=labels) as files:
            yield files
    finally:
        engine.remove_image(image)


def last_witnessed(witness: Mapping[str, bytes], program: tuple[int, str] | None) -> str | None:
    """Return the digest that a program had after the last call of cargo in its stage; None where none tells it.

    Where no later stage has called cargo, what is shipped is traced to this file by copies. So if it is what that call
    left there, the file is still that: a later step that changed it would have changed what is shipped as well. It need
    not be copied out of the stage to be known, which costs as much as copying it into the image.

    Args:
        witness: what the shim wrote, by `<stage index>/<file>`.
        program: stage and path.
    """
    if program is None:
        return None
    index, path = program
    found = None
    for call in read_witness(witness, preferred=frozenset({index})):
        if call.stage > index:
            return None
        if call.stage == index and not call.earlier:
            found = call.made.get(path) or call.kept.get(path)
    return found


def _still_there(kept: object, workspace: Workspace) -> bool:
    return not isinstance(kept, list) or workspace.artifact(str(kept[0])).exists()


def _keep_program(build: EngineBuild, *, workspace: Workspace, labels: Mapping[str, str]) -> list[str | int] | None:
    if build.plan.builder is None:
        return None
    index, path = build.plan.builder
    try:
        image = build.solve(PROGRAM_STAGE, shown=False)
    except ImageBuildFailedError as error:
        # `COPY --from=builder /app/LICENSE /` would bring the program only if that were a folder.
        if "not a directory" in error.message:
            return None
        raise
    with (
        _read_once(build.engine, image, labels) as files,
        files.open(f"/program/{index}/{posixpath.basename(path)}") as stream,
    ):
        return None if stream is None else list(workspace.keep_artifact(stream))


def _artifact(kept: list[str | int] | None, plan: ImagePlan, workspace: Workspace) -> Artifact | None:
    if kept is None or plan.builder is None:
        return None
    index, path = plan.builder
    digest, size = str(kept[0]), int(kept[1])
    origin = f"{plan.dockerfile.stages[index].reference}:{path}"
    return Artifact(side=Side.BUILDER, sha256=digest, size=size, origin=origin, path=workspace.artifact(digest))


def keep_shipped(
    candidate: str, binary: str, layers: Iterable[tuple[Layer, LayerNames]], *, workspace: Workspace
) -> None:
    """Keep the program of an image that is being made, so that nobody has to read it out of the engine.

    Nothing is kept where the layers do not simply hold it: a link, or a file of the base.

    Args:
        candidate: the image's name on the engine, which has its layers by their digests.
        binary: the program's path in it; empty keeps none.
        layers: those above the base, lowest first, with what each touches.
        workspace: keeps the program.
    """
    import tarfile  # noqa: PLC0415 - an image that is known is not made

    found = None
    for layer, names in layers:
        if not names.touched.isdisjoint(binary.split("/")):
            member = names.programs.get(binary)
            found = (layer, member) if member is not None else None
    if found is not None:
        layer, member = found
        with tarfile.open(layer.path, "r:") as tar:
            content = tar.extractfile(member)
            if content is not None:
                kept = list(workspace.keep_artifact(content))
                workspace.remember("shipped", _shipped_key(candidate, binary), kept)


def shipped_program(
    engine: Engine, candidate: str, binary: str, *, workspace: Workspace, labels: Mapping[str, str]
) -> Artifact | None:
    """Return the program in the candidate, kept on this machine; None where the image has no such file."""
    key = _shipped_key(candidate, binary)
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


def _shipped_key(candidate: str, binary: str) -> str:
    return memo_key({"image": candidate, "path": binary})
