"""A container as probes see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.smoke.relay import UnreachableError, exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestrator.engine.containers import RunningContainer
    from orchestrator.engine.insight import HealthFacts
    from orchestrator.smoke.neighbour import Neighbour
    from orchestrator.smoke.output import Output


class ContainerTarget:
    """Answers probes about a running container.

    Attributes:
        container: which one.
        output: what it has printed so far.
        neighbour: returns a container in the network of this one, for an engine whose containers cannot be reached
            from here; None where it cannot be made.
    """

    def __init__(
        self, container: RunningContainer, output: Output, *, neighbour: Callable[[], Neighbour | None]
    ) -> None:
        self.container, self.output, self._new_neighbour = container, output, neighbour
        self._address: str | None = None
        self._neighbour: Neighbour | None = None

    def forget(self) -> None:
        """Forget address and neighbour: a container that is started again gets another network."""
        self._address = None
        self.close()

    def close(self) -> None:
        """Remove the neighbour, if there is one."""
        neighbour, self._neighbour = self._neighbour, None
        if neighbour is not None:
            neighbour.__exit__()

    def address(self) -> str:
        """Return its address in the network that it is in.

        Raises:
            OSError: it has none, for it has ended.
        """
        if self._address is None:
            self._address = self.container.insight.address()
        if self._address is None:
            message = "the container has no address"
            raise OSError(message)
        return self._address

    def exists(self, path: str) -> bool | None:
        """Return whether a file is there."""
        return self.container.files.stat(path) is not None

    def exchange(self, port: int, request: bytes, *, timeout: float) -> bytes:
        """Connect to one of its ports, send, and return what came back."""
        address = self.address()
        if self._neighbour is None:
            try:
                return exchange(address, port, request, timeout=timeout)
            except UnreachableError:
                neighbour = self._new_neighbour()
                if neighbour is None:
                    raise
                self._neighbour = neighbour.__enter__()
        return self._neighbour.exchange(address, port, request, timeout=timeout)

    def health(self) -> HealthFacts | None:
        """Return what the image's HEALTHCHECK says."""
        return self.container.insight.health()

    def execute(self, command: Sequence[str], *, timeout: float) -> tuple[int, str] | None:
        """Run a command beside it."""
        return self.container.insight.execute(command, timeout=timeout)
