"""The program is up once it takes connections. The kernel takes them for a program that never answers, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from orchestrator.smoke.probes.http import no_answer
from orchestrator.smoke.probes.probe import Look, Probe

if TYPE_CHECKING:
    from orchestrator.smoke.probes.probe import Target


class TcpProbe(Probe):
    """A port that takes connections, at the container's own address."""

    needs_network: ClassVar[bool] = True

    port: int = Field(ge=1, le=65535)
    """The port that the program listens on in the container."""

    def look(self, target: Target) -> Look:
        """Connect once."""
        try:
            target.exchange(self.port, b"", timeout=1.0)
        except OSError as error:
            return Look(holds=False, saw=no_answer(error, self.port))
        return Look(holds=True)

    def sought(self) -> str:
        """Return what is waited for."""
        return f"a connection to port {self.port}"
