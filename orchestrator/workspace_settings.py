"""What `runs:` in the spec accepts."""

from __future__ import annotations

from pydantic import Field

from orchestrator.settings import Settings


class RunsSettings(Settings):
    """The records of earlier runs."""

    keep: int = Field(default=20, ge=1)
    """How many runs are kept; the oldest beyond that are removed at the end of a run."""
