"""How an engine keeps its images: in its own store, or in containerd's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.engine.faults import engine_faults
from orchestrator.errors import EngineUnsupportedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.engine.docker import Engine

_CONTAINERD = ["driver-type", "io.containerd.snapshotter.v1"]
"""In what the engine says of its storage driver (measured: 28.5.2)."""


def require_own_store(engine: Engine) -> None:
    """Raise where images are kept by containerd: there an ID names a manifest, and no image can be loaded in part.

    Raises:
        EngineUnsupportedError: with the setting that changes it.
        EngineUnreachableError: the engine went away.
    """
    with engine_faults("asking how the engine keeps images"):
        said: Mapping[str, Any] = engine.api.info()
    if _CONTAINERD in (said.get("DriverStatus") or ()):
        raise EngineUnsupportedError(
            f"the Docker engine ({engine.version.version}) keeps its images in containerd's image store, "
            "with which this tool does not work yet",
            repair='write {"features": {"containerd-snapshotter": false}} into /etc/docker/daemon.json and restart '
            "the engine; images of the other store are kept and seen again when you change back",
        )
