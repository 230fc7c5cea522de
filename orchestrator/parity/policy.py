"""What `parity:` in the spec accepts."""

from __future__ import annotations

from orchestrator.parity.rung import Rung
from orchestrator.settings import Settings


class ParitySettings(Settings):
    """How near the image's program must be to the host's."""

    accept: Rung = Rung.IDENTICAL
    """The worst rung that still passes."""
