"""The image's own entrypoint, run under limits and watched."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from orchestrator.engine.containers import ContainerRequest, RunningContainer, StartFailedError
from orchestrator.engine.files import image_files
from orchestrator.engine.networks import private_network
from orchestrator.smoke.output import Output
from orchestrator.smoke.watch import watch

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping

    from orchestrator.engine.docker import Engine
    from orchestrator.smoke.settings import SmokeSettings
    from orchestrator.smoke.transcript import Transcript


def run_image(
    engine: Engine,
    image_id: str,
    settings: SmokeSettings,
    *,
    labels: Mapping[str, str],
    cancel: threading.Event,
) -> Transcript:
    """Run the image as its configuration says and return what was seen.

    Args:
        engine: where the image is.
        image_id: the image.
        settings: limits, expectations, and how to stop it.
        labels: put on the container, its volumes and its network.
        cancel: set to end the run.

    Raises:
        InterruptedRunError: `cancel` was set; nothing is left running.
        EngineUnreachableError: the engine went away.
    """
    with image_files(engine, image_id, labels=labels) as files:
        writable = {path: files.stat(path) is not None for path in settings.writable} if settings.read_only else {}
    output = Output(kept=settings.limits.log, wanted=settings.ready.log, clock=time.monotonic)
    with private_network(engine, wanted=settings.network == "internal", labels=labels) as network:
        request = ContainerRequest(
            image_id=image_id,
            command=settings.arguments,
            environment=settings.environment,
            network=network,
            read_only=settings.read_only,
            writable=writable,
            memory=settings.limits.memory,
            pids=settings.limits.pids,
            cpus=settings.limits.cpus,
            labels=labels,
        )
        with RunningContainer(engine, request, on_chunk=output.feed) as container:
            return watch(_Subject(container), settings, output, side="image", cancel=cancel)


class _Subject:
    def __init__(self, container: RunningContainer) -> None:
        self._container = container

    def start(self) -> str | None:
        try:
            self._container.start()
        except StartFailedError as error:
            return str(error)
        return None

    def wait(self, timeout: float) -> bool:
        return self._container.wait(timeout)

    def send(self, signal: str) -> None:
        self._container.send(signal)

    def end(self) -> tuple[int, bool]:
        end = self._container.end()
        return end.exit_code, end.oom_killed

    def exists(self, path: str) -> bool | None:
        return self._container.files.stat(path) is not None

    def names(self, folder: str) -> tuple[str, ...]:
        return self._container.files.names(folder)
