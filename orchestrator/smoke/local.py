"""The host's program, run by the same plan as the image: what the image is expected to do.

It runs in namespaces of its own where these are to be had (bubblewrap): a read-only view of this machine, private
writable folders, loopback only. So it finds its port free and leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.engine.networks import private_network
from orchestrator.smoke import relay
from orchestrator.smoke.local_program import LocalProgram
from orchestrator.smoke.sandbox import NoSandboxError, has_sandbox, sandbox_command, writable_places
from orchestrator.smoke.services.sandbox import provision
from orchestrator.smoke.services.settings import filled
from orchestrator.smoke.services.start import passwords_of, places_of, running_services
from orchestrator.smoke.signals import signal_name
from orchestrator.smoke.transcript import Transcript
from orchestrator.smoke.watch import watch

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping, Sequence

    from orchestrator.engine.docker import Engine
    from orchestrator.smoke.services.start import Service
    from orchestrator.smoke.settings import SmokeSettings

_REACH = 2.0
"""Seconds within which a service's port must answer from this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Where the services of the host's program run.

    Attributes:
        labels: put on their containers and their network.
        images: ids of their images, by their names; those not listed are asked of the engine.
    """

    engine: Engine
    labels: Mapping[str, str]
    images: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AsInImage:
    """What an image says about how its program is started.

    Attributes:
        variables: its ENV; the spec's are added.
        directory: its WORKDIR, where the program is started in a sandbox.
        stop_signal: its STOPSIGNAL; the spec's comes first.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    directory: str = "/"
    stop_signal: str | None = None


def run_local(
    program: Path,
    arguments: Sequence[str],
    settings: SmokeSettings,
    *,
    image: AsInImage,
    environment: Mapping[str, str],
    scratch: Path,
    cancel: threading.Event,
    beside: Beside | None = None,
    sandboxed: bool = False,
) -> Transcript:
    """Run the program and return what was seen.

    Args:
        program: the program on this machine.
        arguments: what the image gives it.
        settings: the same as for the image.
        image: how the image starts it.
        environment: the caller's variables (PATH, to find bubblewrap).
        scratch: folder for the private writable folders; emptied again.
        cancel: set to end the run.
        beside: where its services run; needed where the plan has some.
        sandboxed: run it in a sandbox or not at all.

    Raises:
        InterruptedRunError: `cancel` was set.
        UsageError: the engine has not the image of a service.
        EngineUnreachableError: the engine went away.
        NoSandboxError: there is no sandbox, and it was to be run in one.
    """
    if sandboxed and not has_sandbox(environment):
        raise NoSandboxError
    with ExitStack() as stack:
        services = stack.enter_context(_services(settings, beside, cancel))
        unreachable = next((text for service in services if (text := _unreachable(service))), None)
        if unreachable is not None or any(service.problem for service in services):
            told = tuple(service.seen() for service in services)
            return Transcript(side="local", unmeetable=unreachable, waiting={}, files={}, services=told)
        folder = tempfile.TemporaryDirectory(dir=scratch, prefix="smoke-", ignore_cleanup_errors=True)
        subject = _prepared(
            program,
            arguments,
            settings,
            stack,
            image=image,
            environment=environment,
            folder=Path(stack.enter_context(folder)),
            services=services,
            sandboxed=sandboxed,
        )
        if subject is None:
            lacking = "`smoke.files` can be put in place only in a sandbox, and bubblewrap is not to be had here"
            return Transcript(side="local", unmeetable=lacking, waiting={}, files={})
        chosen = settings.stop.signal or signal_name(image.stop_signal)
        seen = watch(subject, settings, side="local", stop_signal=chosen, cancel=cancel)
        return replace(seen, services=tuple(service.seen() for service in services))


@contextmanager
def _services(settings: SmokeSettings, beside: Beside | None, cancel: threading.Event) -> Iterator[tuple[Service, ...]]:
    """Yield the plan's services, in a network of their own."""
    if beside is None or not settings.services:
        yield ()
        return
    with (
        private_network(beside.engine, wanted=True, labels=beside.labels) as network,
        running_services(
            beside.engine, settings.services, beside.images, network=network, labels=beside.labels, cancel=cancel
        ) as services,
    ):
        yield services


def _prepared(
    program: Path,
    arguments: Sequence[str],
    settings: SmokeSettings,
    stack: ExitStack,
    *,
    image: AsInImage,
    environment: Mapping[str, str],
    folder: Path,
    services: tuple[Service, ...],
    sandboxed: bool,
) -> LocalProgram | None:
    """Return the program, ready to be started; None where its files cannot be put in place."""
    places = writable_places(settings.writable, folder)
    inside = places_of(services, {})
    provided = stack.enter_context(provision(services, filled(settings.files, inside), folder))
    sandbox = sandbox_command(
        program,
        places,
        environment,
        given=provided.given,
        first=provided.first,
        capabilities=settings.capabilities,
        directory=image.directory,
    )
    if sandbox is None:
        if sandboxed:
            raise NoSandboxError
        if settings.files:
            return None
        places, inside = {}, places_of(services, {service.name: service.address() for service in services})
    given = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp"}  # noqa: S108 - the private one
    subject = LocalProgram(
        [*(sandbox.command if sandbox else (str(program),)), *arguments],
        {**given, **image.variables, **filled(settings.environment, inside)},
        settings,
        places,
        secrets={**passwords_of(services), **settings.secret_values(inside)},
        depth=sandbox.depth if sandbox else 0,
    )
    return stack.enter_context(contextlib.closing(subject))


def _unreachable(service: Service) -> str | None:
    """Return why a service that is up cannot be reached from this machine."""
    if service.problem is not None:
        return None
    try:
        relay.exchange(service.address(), service.port, b"", timeout=_REACH)
    except ConnectionRefusedError:
        # The machine is reached; whether something listens there is the service's own affair.
        return None
    except OSError as error:
        return f"the service {service.name} cannot be reached from this machine: {error}"
    return None
