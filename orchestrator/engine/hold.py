"""Images that a run still needs, kept from being removed by other runs on the same engine.

Two checkouts that build the same sources make the same image, and so do two projects that ship the same placeholder.
Whichever ends first tidies up what has no tag. The engine removes no image that a container was made from; so one is
made, and never started. It has the run's labels, and goes with what a killed run has left.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from orchestrator.engine.faults import engine_faults
from orchestrator.engine.races import is_gone
from orchestrator.engine.unstarted import never_started
from orchestrator.errors import NoVerdictError
from orchestrator.neighbours import in_turn

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from orchestrator.engine.docker import Engine
    from orchestrator.engine.files import ContainerFiles


class Hold:
    """Keeps images from being removed until the end of the block.

    Args:
        engine: has the images.
        labels: of the run.
        own_tag: the one that the run may move; what has it stays by itself, for no other run takes it away.
    """

    def __init__(self, engine: Engine, labels: Mapping[str, str], *, own_tag: str | None = None) -> None:
        self._engine, self._labels, self._own_tag = engine, dict(labels), own_tag
        self._containers: dict[str, str] = {}
        self._changing = threading.Lock()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_exception: object) -> None:
        """Let all of them go; what an engine that went away has left is swept at the next run's start."""
        for image in tuple(self._containers):
            with suppress(NoVerdictError):
                self.drop(image)

    def keep(self, image: str, *, tags: Collection[str] = ()) -> bool:
        """Keep an image; False where it is gone already.

        Args:
            image: what the engine calls it.
            tags: those that it has, as far as that is known.

        Raises:
            EngineUnreachableError: the engine went away, or refused.
        """
        from docker.errors import APIError  # noqa: PLC0415 - docker-py is loaded by `connect`

        if self._own_tag is not None and self._own_tag in tags:
            # A container takes 0.1 s to be made and again to be removed, and a run with nothing to do takes 0.7 s.
            return True
        with self._changing, engine_faults("keeping an image"), in_turn():
            if image in self._containers:
                return True
            try:
                container = never_started(self._engine, image, labels=self._labels)
            except APIError as error:
                if is_gone(error) or self._engine.image(image) is None:
                    return False
                raise
            # The engine looks the image up, mounts the container's layer, and only then counts the container as a user
            # of the image; a removal that began before (by another user, or by hand) is not refused.
            self._engine.await_removals()
            if self._engine.image(image) is None:
                self._engine.api.remove_container(container, v=True, force=True)
                return False
            self._containers[image] = container
            return True

    def files(self, image: str) -> ContainerFiles | None:
        """Return access to the files of an image that is kept; None where it is not."""
        from orchestrator.engine.files import ContainerFiles  # noqa: PLC0415 - an image that is known is not read

        container = self._containers.get(image)
        return None if container is None else ContainerFiles(self._engine, container)

    def drop(self, image: str) -> None:
        """Let one go; nothing happens where it was not kept.

        Raises:
            EngineUnreachableError: the engine went away.
        """
        with self._changing:
            container = self._containers.pop(image, None)
        if container is not None:
            with engine_faults("letting an image go"):
                self._engine.api.remove_container(container, v=True, force=True)
