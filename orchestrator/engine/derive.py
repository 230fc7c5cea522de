"""An image with one file replaced: made for a trial, and gone after it."""

from __future__ import annotations

import io
import posixpath
import tarfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orchestrator.engine.faults import engine_faults
from orchestrator.engine.files import ContainerFiles

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from orchestrator.engine.docker import Engine


@contextmanager
def image_with(engine: Engine, image_id: str, path: str, content: Path, *, labels: Mapping[str, str]) -> Iterator[str]:
    """Yield the id of an image that differs from another one in one file; it is removed at the end of the block.

    Args:
        engine: where the image is.
        image_id: an image with a command or an entrypoint.
        path: an executable file of the image; where it is a link, the file that it leads to is replaced.
        content: the new file.
        labels: on the container that is used, and so on the image.

    Raises:
        EngineUnreachableError: the engine went away, or refused.
    """
    with engine_faults("planting a program in an image"):
        container = engine.api.create_container(image_id, labels=dict(labels))["Id"]
        try:
            found = ContainerFiles(engine, container).stat(path)
            place = (found.link_target if found else None) or path
            engine.api.put_archive(container, posixpath.dirname(place), _tar(posixpath.basename(place), content))
            made = str(engine.api.commit(container)["Id"])
        finally:
            engine.api.remove_container(container, v=True, force=True)
    try:
        yield made
    finally:
        # What it was made from is somebody's candidate, and has no tag either.
        engine.remove_image(made, parents=False)


def _tar(name: str, content: Path) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar, content.open("rb") as stream:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = content.stat().st_size, 0o755
        tar.addfile(entry, stream)
    return out.getvalue()
