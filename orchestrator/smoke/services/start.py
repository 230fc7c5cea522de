"""Starting the services of a run on its private network, and waiting until each is up.

A service that does not come up says nothing about the image: the program is not started then, and the answer names the
service with its own last words.
"""

from __future__ import annotations

import secrets
import time
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from orchestrator.engine.containers import ContainerRequest, RunningContainer, StartFailedError
from orchestrator.errors import InterruptedRunError, UsageError
from orchestrator.smoke.container import ContainerTarget
from orchestrator.smoke.neighbour import Neighbour
from orchestrator.smoke.output import Output, Wanted
from orchestrator.smoke.readiness import await_ready
from orchestrator.smoke.services.settings import filled
from orchestrator.smoke.transcript import ServiceRun

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Mapping

    from orchestrator.engine.docker import Engine
    from orchestrator.smoke.services.settings import ServiceSettings

_KEPT, _MOST = 64 * 1024, 256 * 1024**2
"""Bytes of a service's output that are kept, and after which it is given up."""

_TAIL = 20
_PIDS, _CPUS = 512, 2.0


class Service:
    """One service, from its start to its removal.

    Attributes:
        name: its host name in the run's network.
        port: that it listens on.
        password: made for this run; in no record and no spec.
        problem: why it is not up; None where it is.
    """

    def __init__(
        self,
        name: str,
        settings: ServiceSettings,
        container: RunningContainer,
        password: str,
        *,
        neighbour: Callable[[], Neighbour | None],
    ) -> None:
        self.name, self.port, self.password = name, settings.port, password
        self.problem: str | None = None
        self._settings, self._ready_after = settings, 0.0
        match = settings.ready.log.match() if settings.ready.log else None
        wanted = Wanted(ready=match, secrets={f"services.{name}.password": password})
        self._output = Output(kept=_KEPT, limit=_MOST, wanted=wanted, clock=time.monotonic)
        self._target = ContainerTarget(container, self._output, neighbour=neighbour)

    def start(self) -> None:
        """Start it, unless it has a problem already; what is wrong is told by `problem`."""
        if self.problem is not None:
            return
        self._output.begin()
        try:
            self._target.container.start(self._output.feed)
        except StartFailedError as error:
            self.problem = f"it could not be started: {error}"

    def await_ready(self, cancel: threading.Event) -> None:
        """Wait until it is up, has ended, or its time is over.

        Raises:
            InterruptedRunError: `cancel` was set.
        """
        if self.problem is not None:
            return

        def over(seconds: float) -> bool:
            if cancel.is_set():
                raise InterruptedRunError("the smoke run was ended because the run was")
            return self._target.container.wait(seconds) or self._output.flooded.is_set()

        probes, within = self._settings.probes(), self._settings.ready.within
        with closing(self._target):
            ready = await_ready(self._target, probes, within=within, over=over)
        if ready.after is not None:
            self._ready_after = ready.after
            return
        told = "; ".join(
            f"{probes[name].sought()}" + (f": {saw}" if saw else "") for name, saw in ready.waiting.items()
        )
        self.problem = self._ended() or f"within {within:g} s this did not come: {told}"

    def address(self) -> str:
        """Return its address in the run's network."""
        return self._target.address()

    def seen(self) -> ServiceRun:
        """Return what there is to say of it now."""
        problem = self.problem or self._ended()
        lines = self._output.finish()[0][-_TAIL:]
        return ServiceRun(
            name=self.name, image=self._settings.image, ready_after=self._ready_after, problem=problem, lines=lines
        )

    def _ended(self) -> str | None:
        if not self._target.container.wait(0):
            return None
        end = self._target.container.end()
        memory = ", killed for its memory" if end.oom_killed else ""
        return f"it ended by itself with exit code {end.exit_code}{memory}"


@contextmanager
def running_services(
    engine: Engine,
    settings: Mapping[str, ServiceSettings],
    images: Mapping[str, str],
    *,
    network: str,
    labels: Mapping[str, str],
    cancel: threading.Event,
) -> Iterator[tuple[Service, ...]]:
    """Start services and wait for them; all of them are gone after the block, whatever happens.

    Args:
        engine: where they run.
        settings: by their name.
        images: the id of each service's image, by the service's name; those not listed are asked of the engine.
        network: that they are reached in.
        labels: put on containers and volumes.
        cancel: set to end the waiting.

    Raises:
        UsageError: the engine has no such image.
        InterruptedRunError: `cancel` was set.
        EngineUnreachableError: the engine went away.
    """
    passwords = {name: secrets.token_urlsafe(18) for name in settings}
    places = {f"{name}.host": name for name in settings}
    places |= {f"{name}.port": str(service.port) for name, service in settings.items()}
    places |= {f"{name}.password": password for name, password in passwords.items()}
    with ExitStack() as stack:
        started = []
        for name, service in settings.items():
            image = engine.image(images.get(name, service.image))
            if image is None:
                raise UsageError(
                    f"the engine has no image {service.image}, which `smoke.services.{name}` names",
                    repair=f"docker pull {service.image}, or say under `bases` where it comes from",
                )
            request = _request(name, service, image.id, network=network, labels=labels, places=places)
            container = stack.enter_context(RunningContainer(engine, request))
            neighbour = partial(Neighbour.beside, engine, image, container.id, labels=labels)
            made = Service(name, service, container, passwords[name], neighbour=neighbour)
            made.problem = next((text for probe in service.probes().values() if (text := probe.lacks(image))), None)
            started.append(made)
        for made in started:
            made.start()
        for made in started:
            made.await_ready(cancel)
        yield tuple(started)


def _request(
    name: str,
    service: ServiceSettings,
    image_id: str,
    *,
    network: str,
    labels: Mapping[str, str],
    places: Mapping[str, str],
) -> ContainerRequest:
    return ContainerRequest(
        image_id=image_id,
        command=service.command,
        environment=filled(service.environment, places),
        network=network,
        read_only=False,
        writable={},
        memory=service.memory,
        pids=_PIDS,
        cpus=_CPUS,
        labels=labels,
        check_health=service.ready.healthcheck is not None,
        confined=False,
        alias=name,
        user=service.user,
        files=filled(service.files, places),
    )


def places_of(services: tuple[Service, ...], hosts: Mapping[str, str]) -> dict[str, str]:
    """Return what a plan may name of services, by `<name>.<key>`. `hosts`: how each is reached, where not by name."""
    found = {}
    for service in services:
        found[f"{service.name}.host"] = hosts.get(service.name, service.name)
        found[f"{service.name}.port"] = str(service.port)
        found[f"{service.name}.password"] = service.password
    return found


def passwords_of(services: tuple[Service, ...]) -> dict[str, str]:
    """Return the passwords by the name under which they are masked."""
    return {f"services.{service.name}.password": service.password for service in services}
