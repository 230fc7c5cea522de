"""What `gate:` in the spec accepts."""

from __future__ import annotations

from orchestrator.settings import Seconds, Settings


class GateSettings(Settings):
    """What the gate asks for beyond the five checks that it always has."""

    require_selftest: Seconds | None = None
    """How old the last passed `invoke selftest` of this project may be (`30d`); default: none is needed."""
