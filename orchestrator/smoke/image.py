"""The image's own entrypoint, run under limits and watched."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.engine.containers import ContainerRequest, RunningContainer, StartFailedError
from orchestrator.engine.files import STAND_INS, image_files
from orchestrator.engine.networks import private_network
from orchestrator.errors import UsageError
from orchestrator.smoke.relay import exchange
from orchestrator.smoke.signals import signal_name
from orchestrator.smoke.transcript import Transcript
from orchestrator.smoke.watch import new_output, watch

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence

    from orchestrator.engine.docker import Engine
    from orchestrator.engine.insight import HealthFacts, ProcessFacts, UsageFacts
    from orchestrator.smoke.output import Output
    from orchestrator.smoke.settings import SmokeSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptContainer:
    """What a run left for somebody to look at."""

    container: str
    volumes: tuple[str, ...]

    @property
    def removal(self) -> str:
        """Return the command that removes it."""
        volumes = f" && docker volume rm {' '.join(self.volumes)}" if self.volumes else ""
        return f"docker rm -f {self.container[:12]}{volumes}"


def run_image(
    engine: Engine,
    image_id: str,
    settings: SmokeSettings,
    *,
    labels: Mapping[str, str],
    cancel: threading.Event,
    keep: list[KeptContainer] | None = None,
) -> Transcript:
    """Run the image as its configuration says and return what was seen.

    Args:
        engine: where the image is.
        image_id: the image.
        settings: limits, expectations, and how to stop it.
        labels: put on the container, its volumes and its network.
        cancel: set to end the run.
        keep: takes the container, which is then left in the engine.

    Raises:
        UsageError: the engine has no such image.
        InterruptedRunError: `cancel` was set; nothing is left running.
        EngineUnreachableError: the engine went away.
    """
    image = engine.image(image_id)
    if image is None:
        raise UsageError(f"the engine has no image {image_id}", repair="see `docker image ls` for those it has")
    for probe in settings.ready.probes().values():
        lacking = probe.lacks(image)
        if lacking is not None:
            return Transcript(side="image", unmeetable=lacking, waiting={}, files={})
    with image_files(engine, image_id, labels=labels) as files:
        writable = {path: files.stat(path) is not None for path in settings.writable} if settings.read_only else {}
    internal = settings.network == "internal" or settings.needs_network
    with private_network(engine, wanted=internal, labels=labels) as network:
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
            capabilities=settings.capabilities,
            check_health=settings.ready.healthcheck is not None,
        )
        stop_signal = settings.stop.signal or signal_name(image.stop_signal)
        with RunningContainer(engine, request, keep=keep is not None) as container:
            seen = watch(_Subject(container, settings), settings, side="image", stop_signal=stop_signal, cancel=cancel)
            if keep is not None:
                keep.append(KeptContainer(container=container.id, volumes=tuple(container.volumes)))
                seen = replace(seen, container=container.id)
            return seen


class _Subject:
    """A container under watch."""

    def __init__(self, container: RunningContainer, settings: SmokeSettings) -> None:
        self._container, self._settings = container, settings
        self._address: str | None = None
        self.output: Output = new_output(settings)

    def start(self, output: Output) -> str | None:
        self.output, self._address = output, None
        output.begin()
        try:
            self._container.start(output.feed)
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

    def exchange(self, port: int, request: bytes, *, timeout: float) -> bytes:
        if self._address is None:
            self._address = self._container.insight.address()
        if self._address is None:
            message = "the container has no address"
            raise OSError(message)
        return exchange(self._address, port, request, timeout=timeout)

    def health(self) -> HealthFacts | None:
        return self._container.insight.health()

    def execute(self, command: Sequence[str], *, timeout: float) -> tuple[int, str] | None:
        return self._container.insight.execute(command, timeout=timeout)

    def usage(self) -> UsageFacts | None:
        return self._container.insight.usage()

    def processes(self) -> tuple[ProcessFacts, ...]:
        return self._container.insight.processes()

    def written(self) -> tuple[str, ...] | None:
        if self._settings.read_only:
            return None
        declared = self._settings.writable
        return tuple(
            path
            for path in self._container.insight.changes()
            if path not in STAND_INS and not any(_below(path, place) for place in declared)
        )


def _below(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/") or fnmatch.fnmatchcase(path, place)
