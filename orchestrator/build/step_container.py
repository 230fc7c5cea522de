"""A container that does what a RUN step could do: as root, with the engine's usual rights and no limits, offline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine.containers import ContainerRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def step_container(
    image_id: str,
    entrypoint: Sequence[str],
    *,
    labels: Mapping[str, str],
    command: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    hostname: str | None = None,
) -> ContainerRequest:
    """Return the request for it.

    Args:
        image_id: the stage or base that it is made of.
        entrypoint: what it starts.
        labels: put on the container.
        command: arguments behind the entrypoint.
        environment: variables beside the image's.
        hostname: what it takes itself for; None for the engine's choice.
    """
    return ContainerRequest(
        image_id=image_id,
        entrypoint=entrypoint,
        command=command,
        environment=environment or {},
        network="none",
        read_only=False,
        writable={},
        memory=0,
        pids=0,
        cpus=0,
        labels=labels,
        confined=False,
        # RUN steps of a base are root's, unless the Dockerfile says otherwise.
        user="0",
        hostname=hostname,
    )
