"""Labels on everything that a run leaves in the engine, and the removal of what dead runs left."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from orchestrator.engine.docker import engine_faults

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.engine.docker import Engine

WORKSPACE_LABEL = "io.twinbuild.workspace"
RUN_LABEL = "io.twinbuild.run"
PROCESS_LABEL = "io.twinbuild.pid"


def run_labels(workspace: Path, run: str) -> dict[str, str]:
    """Return the labels for containers, volumes and networks of a run."""
    return {
        WORKSPACE_LABEL: hashlib.sha256(os.fsencode(workspace.resolve())).hexdigest()[:16],
        RUN_LABEL: run,
        PROCESS_LABEL: str(os.getpid()),
    }


def sweep(engine: Engine, labels: dict[str, str]) -> int:
    """Remove containers, volumes and networks that earlier runs in this workspace left; return how many.

    Only to be called by the holder of the workspace's lock: every other run there is dead by then.
    """
    filters = {"label": f"{WORKSPACE_LABEL}={labels[WORKSPACE_LABEL]}"}
    api = engine.api
    with engine_faults("removing what an earlier run left"):
        containers = api.containers(all=True, filters=filters)
        for container in containers:
            api.remove_container(container["Id"], v=True, force=True)
        networks = api.networks(filters=filters)
        for network in networks:
            api.remove_network(network["Id"])
        volumes = (api.volumes(filters=filters) or {}).get("Volumes") or ()
        for volume in volumes:
            api.remove_volume(volume["Name"], force=True)
    return len(containers) + len(networks) + len(volumes)
