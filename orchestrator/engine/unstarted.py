"""A container that is not to be started: what gives access to an image's files, and keeps it from being removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.engine.docker import Engine


def never_started(engine: Engine, image_id: str, *, labels: Mapping[str, str]) -> str:
    """Make a container that is not to be started, and return its id; docker-py's errors are the caller's to name."""
    # An image on scratch may have no command; a created container needs one and never looks it up.
    made: Mapping[str, Any] = engine.api.create_container(
        image_id, command=["/nothing"], labels=dict(labels), network_disabled=True
    )
    return str(made["Id"])
