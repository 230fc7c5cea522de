"""Stages that a question about a finished build needs: built beside it from the same context, read, and thrown away."""

from __future__ import annotations

import posixpath
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.build.artifact import Artifact, Side
from orchestrator.build.engine_build import EngineBuild, nobody
from orchestrator.errors import (
    DockerfileInvalidError,
    EngineUnsupportedError,
    ImageBuildFailedError,
    StepTimeoutError,
)
from orchestrator.workspace import memo_key

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Iterator, Mapping
    from typing import TextIO

    from orchestrator.build.image_plan import ImagePlan
    from orchestrator.engine.docker import Engine
    from orchestrator.workspace import Workspace

_NOT_BUILT = (DockerfileInvalidError, EngineUnsupportedError, ImageBuildFailedError, StepTimeoutError)
"""What a stage that is no part of the user's build may fail with: then its question stays open."""


def programs_beside(
    engine: Engine,
    plan: ImagePlan,
    *,
    text: str,
    stage: str,
    paths: Iterable[str],
    context: str,
    workspace: Workspace,
    labels: Mapping[str, str],
    log: Path,
    cancel: threading.Event,
) -> dict[str, Artifact] | None:
    """Return files of a stage that stands behind a plan's own ones, kept on this machine, by their path.

    They are remembered for the same text and context. Nothing of it stays in the engine but its layer cache.

    Args:
        engine: where to build.
        plan: of the build that the question is about.
        text: the hardened Dockerfile with the stages that the question needs.
        stage: the one to read.
        paths: absolute paths in it.
        context: digest of the context that was sent for the plan.
        workspace: keeps the files.
        labels: put on the container that the files are read from.
        log: what the steps print is added here.
        cancel: as for the build itself.

    Returns:
        the files that are there; None where the stage could not be built.

    Raises:
        InterruptedRunError, EngineUnreachableError, NoSpaceError: as their names say.
    """
    wanted = tuple(paths)
    key = memo_key({"text": text, "stage": stage, "context": context, "paths": wanted})
    known = workspace.recall("beside", key)
    if isinstance(known, dict) and all(workspace.artifact(str(each[0])).exists() for each in known.values()):
        return {path: _artifact(workspace, path, each) for path, each in known.items()}
    found: dict[str, tuple[str, int]] = {}
    asked = replace(plan, hardened=text)
    with (
        log.open("a", encoding="utf-8", buffering=1) as out,
        stage_image(engine, asked, stage, scratch=workspace.scratch, out=out, cancel=cancel) as image,
    ):
        if image is None:
            return None
        from orchestrator.engine.files import image_files  # noqa: PLC0415 - what is known is not read again

        with image_files(engine, image, labels=labels) as files:
            for path in wanted:
                with files.open(path) as stream:
                    if stream is not None:
                        found[path] = workspace.keep_artifact(stream)
    workspace.remember("beside", key, {path: list(each) for path, each in found.items()})
    return {path: _artifact(workspace, path, each) for path, each in found.items()}


@contextmanager
def stage_image(
    engine: Engine, plan: ImagePlan, stage: str, *, scratch: Path, out: TextIO, cancel: threading.Event
) -> Iterator[str | None]:
    """Yield a stage's image, which is removed afterwards; None where it cannot be built: `out` is told why.

    Raises:
        InterruptedRunError, EngineUnreachableError, NoSpaceError: as their names say.
    """
    image = None
    with tempfile.TemporaryDirectory(dir=scratch, prefix="beside-") as folder:
        try:
            build = EngineBuild(engine, plan, Path(folder) / "context.tar", out=out, emit=nobody, cancel=cancel)
            image = build.solve(stage, shown=False)
        except _NOT_BUILT as error:
            out.write(f"# {stage}: {error.message}\n")
    try:
        yield image
    finally:
        if image is not None:
            engine.remove_image(image)


def _artifact(workspace: Workspace, path: str, kept: tuple[str, int] | list[str | int]) -> Artifact:
    digest, size = str(kept[0]), int(kept[1])
    origin = posixpath.normpath(path)
    return Artifact(side=Side.BUILDER, sha256=digest, size=size, origin=origin, path=workspace.artifact(digest))
