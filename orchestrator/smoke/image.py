"""The image's own entrypoint, run under limits and watched."""

from __future__ import annotations

import fnmatch
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from orchestrator.binary.loading.launch import full_command
from orchestrator.engine.containers import ContainerRequest, RunningContainer, StartFailedError
from orchestrator.engine.files import STAND_INS, folders_there
from orchestrator.engine.networks import private_network
from orchestrator.engine.sweep import WORKSPACE_LABEL
from orchestrator.errors import UsageError
from orchestrator.smoke.background import goes_on
from orchestrator.smoke.container import ContainerTarget
from orchestrator.smoke.neighbour import Neighbour
from orchestrator.smoke.peers.file import NO_PEERS, PeerFiles
from orchestrator.smoke.services.settings import filled
from orchestrator.smoke.services.start import passwords_of, places_of, running_services
from orchestrator.smoke.signals import signal_name
from orchestrator.smoke.transcript import Transcript
from orchestrator.smoke.watch import MOST_LEFT, new_output, watch

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from orchestrator.engine.docker import Engine
    from orchestrator.engine.image_facts import ImageFacts
    from orchestrator.engine.insight import ProcessFacts, UsageFacts
    from orchestrator.smoke.output import Output
    from orchestrator.smoke.services.start import Service
    from orchestrator.smoke.settings import SmokeSettings
    from orchestrator.smoke.transcript import Expectation


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
    services: Mapping[str, str] | None = None,
    peers: PeerFiles = NO_PEERS,
    keep: list[KeptContainer] | None = None,
) -> Transcript:
    """Run the image as its configuration says and return what was seen.

    Args:
        engine: where the image is.
        image_id: the image.
        settings: limits, expectations, and how to stop it.
        labels: put on the container, its volumes and its network.
        cancel: set to end the run.
        services: ids of the services' images, by the services' names.
        peers: what other tools' files expect of it.
        keep: takes the container, which is then left in the engine.

    Raises:
        UsageError: the engine has no such image.
        InterruptedRunError: `cancel` was set; nothing is left running.
        EngineUnreachableError: the engine went away.
    """
    image = engine.image(image_id)
    if image is None:
        raise UsageError(f"the engine has no image {image_id}", repair="see `docker image ls` for those it has")
    lacking = next((text for probe in settings.ready.probes().values() if (text := probe.lacks(image))), None)
    if lacking is not None:
        return Transcript(side="image", unmeetable=lacking, waiting={}, files={})
    internal = settings.network == "internal" or settings.needs_network or peers.needs_network
    told = _structure_told(engine, image, peers, labels)
    own = labels if keep is None else _unswept(labels)
    with (
        # What takes the engine a moment each, at the same time: a network, and a look at the image's folders.
        folders_there(engine, image_id, settings.writable if settings.read_only else (), labels=labels) as there,
        private_network(engine, wanted=internal, labels=labels) as network,
        running_services(
            engine, settings.services, services or {}, network=network, labels=labels, cancel=cancel
        ) as running,
    ):
        if any(service.problem for service in running):
            return Transcript(side="image", waiting={}, files={}, services=tuple(each.seen() for each in running))
        request = _request(image.id, settings, network=network, writable=there(), labels=own, services=running)
        secrets = {**passwords_of(running), **settings.secret_values(places_of(running, {}))}
        with RunningContainer(engine, request, keep=keep is not None) as container:
            neighbour = partial(Neighbour.beside, engine, image, container.id, labels=labels)
            stop_signal = settings.stop.signal or signal_name(image.stop_signal)
            with closing(_Subject(container, settings, secrets, peers, neighbour=neighbour)) as subject:
                seen = watch(subject, settings, side="image", stop_signal=stop_signal, cancel=cancel)
            if keep is not None:
                keep.append(KeptContainer(container=container.id, volumes=tuple(container.volumes)))
                seen = replace(seen, container=container.id)
        told += seen.expectations
        seen = replace(seen, services=tuple(service.seen() for service in running), expectations=told)
        return seen if keep is not None else _in_background(engine, image, request, settings, seen)


def _structure_told(
    engine: Engine, image: ImageFacts, peers: PeerFiles, labels: Mapping[str, str]
) -> tuple[Expectation, ...]:
    if not peers.structure:
        return ()
    from orchestrator.smoke.peers.structure_run import structure_results  # noqa: PLC0415 - as for goss

    return tuple(each for file in peers.structure for each in structure_results(engine, image, file, labels=labels))


def _unswept(labels: Mapping[str, str]) -> dict[str, str]:
    """Return labels for a container that is to stay: that of the workspace is what a sweep goes by."""
    return {name: value for name, value in labels.items() if name != WORKSPACE_LABEL}


def _in_background(
    engine: Engine, image: ImageFacts, request: ContainerRequest, settings: SmokeSettings, seen: Transcript
) -> Transcript:
    """Find out whether a service that ended well, and too early, has gone into the background."""
    if settings.kind == "job" or not seen.ended_by_itself or seen.exit_code != 0:
        return seen
    command = full_command(image, settings.arguments)
    return replace(seen, daemonised=goes_on(engine, image, request, command, within=seen.seconds))


def _request(
    image_id: str,
    settings: SmokeSettings,
    *,
    network: str,
    writable: Mapping[str, bool],
    labels: Mapping[str, str],
    services: tuple[Service, ...],
) -> ContainerRequest:
    places = places_of(services, {})
    return ContainerRequest(
        image_id=image_id,
        command=settings.arguments,
        environment=filled(settings.environment, places),
        network=network,
        read_only=settings.read_only,
        writable=writable,
        memory=settings.limits.memory,
        pids=settings.limits.pids,
        cpus=settings.limits.cpus,
        labels=labels,
        capabilities=settings.capabilities,
        check_health=settings.ready.healthcheck is not None,
        files=filled(settings.files, places),
    )


class _Subject(ContainerTarget):
    """A container under watch."""

    def __init__(
        self,
        container: RunningContainer,
        settings: SmokeSettings,
        secrets: Mapping[str, str],
        peers: PeerFiles,
        *,
        neighbour: Callable[[], Neighbour | None],
    ) -> None:
        self.secrets, self._peers = secrets, peers
        super().__init__(container, new_output(settings, secrets), neighbour=neighbour)
        self._settings = settings

    def start(self, output: Output) -> str | None:
        self.output = output
        self.forget()
        output.begin()
        try:
            self.container.start(output.feed)
        except StartFailedError as error:
            return str(error)
        return None

    def wait(self, timeout: float) -> bool:
        return self.container.wait(timeout)

    def send(self, signal: str) -> None:
        self.container.send(signal)

    def end(self) -> tuple[int, bool]:
        end = self.container.end()
        return end.exit_code, end.oom_killed

    def names(self, folder: str) -> tuple[str, ...]:
        return self.container.files.names(folder)

    def expectations(self) -> tuple[Expectation, ...]:
        if not self._peers.goss:
            return ()
        from orchestrator.smoke.peers.goss_run import goss_results  # noqa: PLC0415 - a schema that most plans need not

        return tuple(each for file in self._peers.goss for each in goss_results(self, file))

    def usage(self) -> UsageFacts | None:
        return self.container.insight.usage()

    def processes(self) -> tuple[ProcessFacts, ...]:
        return self.container.insight.processes()

    def left(self) -> tuple[str, ...] | None:
        found = [self.container.files.below(place, most=MOST_LEFT) for place in self._settings.writable]
        if None in found:
            return None
        names = [name for some in found for name in some or ()]
        return tuple(sorted(names)) if len(names) <= MOST_LEFT else None

    def written(self) -> tuple[str, ...] | None:
        if self._settings.read_only:
            return None
        declared = (*self._settings.writable, *self._settings.files)
        return tuple(
            path
            for path in self.container.insight.changes()
            if path not in STAND_INS and not any(_below(path, place) for place in declared)
        )


def _below(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/") or fnmatch.fnmatchcase(path, place)
