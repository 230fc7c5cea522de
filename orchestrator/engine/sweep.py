"""Labels on everything that a run leaves in the engine, and the removal of what dead runs left."""

from __future__ import annotations

import hashlib
import os
import time
from typing import TYPE_CHECKING, Any

from orchestrator.engine.faults import engine_faults

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from orchestrator.engine.docker import Engine

WORKSPACE_LABEL = "io.twinbuild.workspace"
RUN_LABEL = "io.twinbuild.run"
PROCESS_LABEL = "io.twinbuild.pid"

_ROUNDS = 10
_PAUSE_SECONDS = 0.2


def run_labels(workspace: Path, run: str) -> dict[str, str]:
    """Return the labels for containers, volumes and networks of a run."""
    return {
        WORKSPACE_LABEL: hashlib.sha256(os.fsencode(workspace.resolve())).hexdigest()[:16],
        RUN_LABEL: run,
        PROCESS_LABEL: str(os.getpid()),
    }


def sweep(engine: Engine, labels: dict[str, str]) -> int:
    """Remove containers, volumes and networks that earlier runs in this workspace left; return how many.

    Only to be called by the holder of the workspace's lock: every other run there is dead by then. The engine may still
    be at work on what a dead run asked of it (a container that is just being made or removed), so what is in its way is
    tried again.

    Raises:
        EngineUnreachableError: the engine went away, or something cannot be removed for good.
    """
    filters = {"label": f"{WORKSPACE_LABEL}={labels[WORKSPACE_LABEL]}"}
    api = engine.api
    kinds: tuple[tuple[Callable[[], list[str]], Callable[[str], Any]], ...] = (
        (
            lambda: [entry["Id"] for entry in api.containers(all=True, filters=filters)],
            lambda name: api.remove_container(name, v=True, force=True),
        ),
        (lambda: [entry["Id"] for entry in api.networks(filters=filters)], api.remove_network),
        (
            lambda: [entry["Name"] for entry in (api.volumes(filters=filters) or {}).get("Volumes") or ()],
            lambda name: api.remove_volume(name, force=True),
        ),
    )
    with engine_faults("removing what an earlier run left"):
        return sum(_removed(listed, remove) for listed, remove in kinds)


def _removed(listed: Callable[[], list[str]], remove: Callable[[str], Any]) -> int:
    """Remove everything of a kind; return how many there were."""
    from docker.errors import APIError, NotFound  # noqa: PLC0415 - docker-py is loaded by `Engine.connect`

    seen: set[str] = set()
    for attempt in range(_ROUNDS):
        left = listed()
        if not left:
            break
        if attempt:
            time.sleep(_PAUSE_SECONDS)
        seen.update(left)
        for name in left:
            try:
                remove(name)
            except NotFound:
                continue
            except APIError:
                if attempt == _ROUNDS - 1:
                    raise
    return len(seen)
