"""A container in another one's network, for engines whose containers this machine cannot reach.

Those of a rootless engine, of one in a virtual machine (Docker Desktop) and of one on another machine have addresses
that mean nothing here. A second container that shares the first one's network reaches it at the very same address, so a
program that listens on loopback alone fails there as it does with a reachable engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from orchestrator.engine.containers import ContainerRequest, RunningContainer, StartFailedError
from orchestrator.smoke.relay import BROKEN, REFUSED, SILENT
from orchestrator.smoke.static_program import static_program

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.engine.docker import Engine
    from orchestrator.engine.image_facts import ImageFacts

_PLACE = "/run/.twinbuild/neighbour"
_MEMORY, _PIDS, _CPUS = 64 * 1024**2, 32, 0.5
_START_SECONDS = 5.0
"""What the engine may take for a command in a container, on top of the exchange itself."""


class Neighbour:
    """A container that waits in another one's network and exchanges bytes with its ports.

    Args:
        engine: where both run.
        image: the other one's; nothing of it is run.
        container: the other one's id.
        labels: put on the container and its volume.
        program: `neighbour.c`, compiled.
    """

    def __init__(
        self, engine: Engine, image: ImageFacts, container: str, *, labels: Mapping[str, str], program: bytes
    ) -> None:
        request = ContainerRequest(
            image_id=image.id,
            entrypoint=(_PLACE,),
            command=(),
            environment={},
            network=f"container:{container}",
            read_only=True,
            writable={},
            memory=_MEMORY,
            pids=_PIDS,
            cpus=_CPUS,
            labels=labels,
            programs={_PLACE: program},
        )
        self._container = RunningContainer(engine, request)

    @classmethod
    def beside(
        cls, engine: Engine, image: ImageFacts, container: str, *, labels: Mapping[str, str]
    ) -> Neighbour | None:
        """Return a neighbour that is not started yet; None where its program cannot be made here."""
        program = static_program("neighbour.c", image)
        return None if program is None else cls(engine, image, container, labels=labels, program=program)

    def __enter__(self) -> Self:
        """Start it.

        Raises:
            ConnectionError: the other container has ended, and its network with it.
        """
        self._container.__enter__()
        try:
            self._container.start(lambda _stream, _chunk: None)
        except StartFailedError as error:
            self._container.__exit__()
            message = f"the container's network cannot be joined: {error}"
            raise ConnectionError(message) from error
        return self

    def __exit__(self, *_: object) -> None:
        """Remove it."""
        self._container.__exit__()

    def exchange(self, host: str, port: int, request: bytes, *, timeout: float) -> bytes:
        """Connect, send, and return what came back within `timeout` seconds; as `relay.exchange`."""
        words = (_PLACE, host, str(port), str(int(timeout * 1000)), request.hex())
        done = self._container.insight.run(words, timeout=timeout + _START_SECONDS)
        if done is None or done.exit_code == SILENT:
            raise TimeoutError
        if done.exit_code == REFUSED:
            raise ConnectionRefusedError
        if done.exit_code == BROKEN:
            raise OSError(done.stderr.strip())
        if done.exit_code:
            message = f"the program in the container's network ended with exit code {done.exit_code}: {done.output}"
            raise ConnectionError(message)
        return bytes.fromhex(done.stdout)
