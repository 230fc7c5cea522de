"""A container as probes see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.smoke.relay import exchange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.engine.containers import RunningContainer
    from orchestrator.engine.insight import HealthFacts
    from orchestrator.smoke.output import Output


class ContainerTarget:
    """Answers probes about a running container.

    Attributes:
        container: which one.
        output: what it has printed so far.
    """

    def __init__(self, container: RunningContainer, output: Output) -> None:
        self.container, self.output = container, output
        self._address: str | None = None

    def forget(self) -> None:
        """Forget the address: a container that is started again may get another one."""
        self._address = None

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
        return exchange(self.address(), port, request, timeout=timeout)

    def health(self) -> HealthFacts | None:
        """Return what the image's HEALTHCHECK says."""
        return self.container.insight.health()

    def execute(self, command: Sequence[str], *, timeout: float) -> tuple[int, str] | None:
        """Run a command beside it."""
        return self.container.insight.execute(command, timeout=timeout)
