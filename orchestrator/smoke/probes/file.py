"""The program is up once it has made a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.settings import ImagePath  # noqa: TC001 - pydantic reads it at run time
from orchestrator.smoke.probes.probe import Look, Probe

if TYPE_CHECKING:
    from orchestrator.smoke.probes.probe import Target


class FileProbe(Probe):
    """A file that appears in the container."""

    path: ImagePath
    """The file."""

    def look(self, target: Target) -> Look:
        """Look for the file; where nobody can tell, that is no reason to wait."""
        there = target.exists(self.path) is not False
        return Look(holds=there, saw="" if there else "it is not there")

    def sought(self) -> str:
        """Return what is waited for."""
        return f"the file {self.path}"
