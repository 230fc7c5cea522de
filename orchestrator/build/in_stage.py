"""Commands run in a stage of a finished build, on a file that is put there: nothing is built, nothing is kept of it."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orchestrator.build.artifact import Artifact, Side
from orchestrator.build.beside import stage_image
from orchestrator.build.step_container import step_container
from orchestrator.engine.archive import packed
from orchestrator.engine.containers import RunningContainer, StartFailedError
from orchestrator.errors import InterruptedRunError

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import TextIO

    from orchestrator.build.image_plan import ImagePlan
    from orchestrator.dockerfile.model import Stage
    from orchestrator.engine.docker import Engine
    from orchestrator.engine.process import Stream
    from orchestrator.workspace import Workspace

GIVEN = "/twinbuild-given"
"""Where the file lies in the container's root."""

_LIMIT_SECONDS = 300
_TURN_SECONDS = 0.2


def run_in_stage(
    engine: Engine,
    plan: ImagePlan,
    stage: Stage,
    *,
    raw_id: str,
    given: Path,
    script: str,
    results: Sequence[str],
    workspace: Workspace,
    labels: Mapping[str, str],
    log: Path,
    cancel: threading.Event,
) -> dict[str, Artifact] | None:
    """Run a shell script as root, without a network, in a container of a stage; return what it left.

    Args:
        engine: where the stage was built.
        plan: of its build. The stage comes out of the layer cache.
        stage: one with a name, or the shipped one.
        raw_id: the shipped stage's image.
        given: a program, which lies at `GIVEN`.
        script: for `/bin/sh`.
        results: absolute paths of the files that are wanted.
        workspace: keeps them.
        labels: put on the container.
        log: what the script prints is added here.
        cancel: ends it.

    Returns:
        the files that are there, by their path; None where the stage, or a shell in it, is not to be had.

    Raises:
        InterruptedRunError, EngineUnreachableError, NoSpaceError: as their names say.
    """
    with (
        log.open("a", encoding="utf-8", buffering=1) as out,
        _image(engine, plan, stage, raw_id, scratch=workspace.scratch, out=out, cancel=cancel) as image,
    ):
        if image is None:
            return None

        def say(_stream: Stream, chunk: bytes) -> None:
            out.write(chunk.decode(errors="replace"))

        with RunningContainer(engine, step_container(image, ("/bin/sh", "-c", script), labels=labels)) as container:
            container.put(io.BytesIO(packed({GIVEN: (given.read_bytes(), 0o755)})))
            try:
                container.start(say)
            except StartFailedError as error:
                out.write(f"# {error}\n")
                return None
            _await(container, cancel)
            return _kept(container, results, workspace)


def _await(container: RunningContainer, cancel: threading.Event) -> None:
    for _ in range(int(_LIMIT_SECONDS / _TURN_SECONDS)):
        if container.wait(_TURN_SECONDS):
            return
        if cancel.is_set():
            raise InterruptedRunError("the run was ended", repair="run it again")


def _kept(container: RunningContainer, results: Sequence[str], workspace: Workspace) -> dict[str, Artifact]:
    found = {}
    for path in results:
        with container.files.open(path) as stream:
            if stream is not None:
                digest, size = workspace.keep_artifact(stream)
                place = workspace.artifact(digest)
                found[path] = Artifact(side=Side.BUILDER, sha256=digest, size=size, origin=path, path=place)
    return found


@contextmanager
def _image(
    engine: Engine,
    plan: ImagePlan,
    stage: Stage,
    raw_id: str,
    *,
    scratch: Path,
    out: TextIO,
    cancel: threading.Event,
) -> Iterator[str | None]:
    """Yield the stage's image, None where it cannot be had; one that was made for this is removed."""
    if stage is plan.dockerfile.stage(plan.target):
        yield raw_id
    elif stage.name is None:
        yield None
    else:
        with stage_image(engine, plan, stage.name, scratch=scratch, out=out, cancel=cancel) as image:
            yield image
