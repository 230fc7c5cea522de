"""The host's program, run by the same plan as the image: what the image is expected to do.

It runs in namespaces of its own where these are to be had (bubblewrap): a read-only view of this machine, private
writable folders, loopback only. So it finds its port free and leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.engine.networks import private_network
from orchestrator.engine.process import Process, run
from orchestrator.errors import NoVerdictError, StepTimeoutError
from orchestrator.smoke import relay
from orchestrator.smoke.sandbox import sandbox_command, writable_places
from orchestrator.smoke.services.sandbox import provision
from orchestrator.smoke.services.settings import filled
from orchestrator.smoke.services.start import passwords_of, places_of, running_services
from orchestrator.smoke.signals import signal_name, signal_number
from orchestrator.smoke.transcript import Transcript
from orchestrator.smoke.watch import new_output, watch

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping, Sequence

    from orchestrator.engine.docker import Engine
    from orchestrator.engine.insight import HealthFacts, ProcessFacts, UsageFacts
    from orchestrator.smoke.output import Output
    from orchestrator.smoke.services.start import Service
    from orchestrator.smoke.settings import SmokeSettings
    from orchestrator.smoke.transcript import Expectation

_SIGNALLED = 128
_LOOPBACK = "127.0.0.1"
_REACH = 2.0
"""Seconds within which a service's port must answer from this machine."""

_RELAY_START = 2.0
"""Seconds that the start of the relay may take on top of the exchange itself."""


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


def run_local(
    program: Path,
    arguments: Sequence[str],
    settings: SmokeSettings,
    *,
    variables: Mapping[str, str],
    environment: Mapping[str, str],
    scratch: Path,
    cancel: threading.Event,
    beside: Beside | None = None,
    stop_signal: str | None = None,
) -> Transcript:
    """Run the program and return what was seen.

    Args:
        program: the program on this machine.
        arguments: what the image gives it.
        settings: the same as for the image.
        variables: the image's ENV; the spec's are added.
        environment: the caller's variables (PATH, to find bubblewrap).
        scratch: folder for the private writable folders; emptied again.
        cancel: set to end the run.
        beside: where its services run; needed where the plan has some.
        stop_signal: the image's STOPSIGNAL; the spec's comes first.

    Raises:
        InterruptedRunError: `cancel` was set.
        UsageError: the engine has not the image of a service.
        EngineUnreachableError: the engine went away.
    """
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
            variables=variables,
            environment=environment,
            folder=Path(stack.enter_context(folder)),
            services=services,
        )
        if subject is None:
            lacking = "`smoke.files` can be put in place only in a sandbox, and bubblewrap is not to be had here"
            return Transcript(side="local", unmeetable=lacking, waiting={}, files={})
        chosen = settings.stop.signal or signal_name(stop_signal)
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
    variables: Mapping[str, str],
    environment: Mapping[str, str],
    folder: Path,
    services: tuple[Service, ...],
) -> _Subject | None:
    """Return the program, ready to be started; None where its files cannot be put in place."""
    places = writable_places(settings.writable, folder)
    inside = places_of(services, {})
    provided = stack.enter_context(provision(services, filled(settings.files, inside), folder))
    sandbox = sandbox_command(program, places, environment, given=provided.given, first=provided.first)
    if sandbox is None:
        if settings.files:
            return None
        places, inside = {}, places_of(services, {service.name: service.address() for service in services})
    given = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp"}  # noqa: S108 - the private one
    subject = _Subject(
        [*(sandbox.command if sandbox else (str(program),)), *arguments],
        {**given, **variables, **filled(settings.environment, inside)},
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


def arguments_of(command: Sequence[str], binary: str) -> list[str]:
    """Return what an image's command line gives the program, whatever stands before it."""
    words = list(command)
    return words[words.index(binary) + 1 :] if binary in words else []


class _Subject:
    """A program of this machine under watch."""

    def __init__(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        settings: SmokeSettings,
        places: Mapping[str, Path],
        *,
        secrets: Mapping[str, str],
        depth: int,
    ) -> None:
        self.secrets = secrets
        self._argv, self._environment, self._places, self._depth = argv, environment, places, depth
        self._process: Process | None = None
        self.output: Output = new_output(settings, secrets)

    def start(self, output: Output) -> str | None:
        self.close()
        self.output = output
        output.begin()
        try:
            self._process = Process(self._argv, environment=self._environment, on_chunk=output.feed, keep=False)
        except (OSError, NoVerdictError) as error:
            return str(error)
        return None

    def close(self) -> None:
        if self._process is not None:
            self._process.__exit__(None, None, None)

    def wait(self, timeout: float) -> bool:
        return self._running().wait(timeout) is not None

    def send(self, signal_name: str) -> None:
        if signal_name == "SIGKILL":
            self._running().kill()
            return
        number, program = signal_number(signal_name), self._program()
        if not self._depth:
            self._running().send(signal.Signals(number))
        elif program is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(program, number)

    def end(self) -> tuple[int, bool]:
        code = self._running().wait(None) or 0
        return (_SIGNALLED - code if code < 0 else code), False

    def exists(self, path: str) -> bool | None:
        place = self._place(path)
        return None if place is None else place.exists()

    def names(self, folder: str) -> tuple[str, ...]:
        place = self._place(folder)
        return tuple(entry.name for entry in place.iterdir()) if place is not None and place.is_dir() else ()

    def exchange(self, port: int, request: bytes, *, timeout: float) -> bytes:
        """Connect to its loopback, which with a sandbox is another one than ours."""
        if not self._depth:
            return relay.exchange(_LOOPBACK, port, request, timeout=timeout)
        program = self._program()
        if program is None:
            raise ConnectionRefusedError
        words = [sys.executable, "-I", "-S", relay.__file__, _LOOPBACK, str(port), f"{timeout:g}", str(program)]
        try:
            done = run(words, stdin=request, timeout=timeout + _RELAY_START)
        except StepTimeoutError as error:
            raise TimeoutError from error
        if done.exit_code == relay.REFUSED:
            raise ConnectionRefusedError
        if done.exit_code == relay.SILENT:
            raise TimeoutError
        if done.exit_code:
            raise OSError(done.stderr.decode(errors="replace").strip())
        return done.stdout

    def health(self) -> HealthFacts | None:
        return None

    def execute(self, command: Sequence[str], *, timeout: float) -> tuple[int, str] | None:
        del command, timeout
        return None

    def expectations(self) -> tuple[Expectation, ...]:
        return ()

    def usage(self) -> UsageFacts | None:
        return None

    def processes(self) -> tuple[ProcessFacts, ...]:
        return ()

    def written(self) -> tuple[str, ...] | None:
        return None

    def _program(self) -> int | None:
        """Return the process id of a sandboxed program: below the sandbox's own, which pass no signal on."""
        process: int | None = self._running().pid
        for _ in range(self._depth):
            process = next(_children(process), None) if process is not None else None
        return process if self._depth else None

    def _place(self, path: str) -> Path | None:
        for folder, place in self._places.items():
            if path == folder or path.startswith(folder + "/"):
                return place / path[len(folder) :].lstrip("/")
        return None

    def _running(self) -> Process:
        if self._process is None:
            msg = "the program was not started"
            raise RuntimeError(msg)
        return self._process


def _children(pid: int) -> Iterator[int]:
    try:
        said = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return
    yield from (int(word) for word in said.split())
