"""Folders that a container may write to although its image does not have them."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

from orchestrator.engine.faults import engine_faults

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.engine.docker import Engine

_ABOVE = "/.twinbuild"
_ANYBODYS = 0o1777
"""As /tmp has it."""


def let_anybody_write(engine: Engine, volumes: Sequence[str], *, image_id: str, labels: Mapping[str, str]) -> None:
    """Give the roots of empty volumes the mode of /tmp.

    A new volume belongs to root alone. A memory file system could be given a mode as well, but is gone with the
    container, and what the program has left in it. So a container that is never started mounts the volumes, and the
    engine unpacks folders with the right mode over them (works on 20.10 to 28.5).

    Args:
        engine: where the volumes are.
        volumes: their names; none costs nothing.
        image_id: any image; nothing of it is used.
        labels: put on the container.
    """
    if not volumes:
        return
    api = engine.api
    with engine_faults("preparing writable folders"):
        host = api.create_host_config(binds=[f"{volume}:{_ABOVE}/{volume}" for volume in volumes], network_mode="none")
        made = api.create_container(image_id, command=["/nothing"], labels=dict(labels), host_config=host)["Id"]
        try:
            api.put_archive(made, _ABOVE, _folders(volumes))
        finally:
            api.remove_container(made, force=True)


def _folders(names: Sequence[str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name in names:
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, _ANYBODYS
            tar.addfile(folder)
    return packed.getvalue()
