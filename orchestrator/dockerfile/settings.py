"""What `stub:` in the spec accepts."""

from __future__ import annotations

from enum import StrEnum

from orchestrator.settings import Settings


class Guard(StrEnum):
    """What the tool does against stubs inside the image build."""

    ENFORCE = "enforce"
    OBSERVE = "observe"
    OFF = "off"


class StubSettings(Settings):
    """The stub guard."""

    guard: Guard = Guard.ENFORCE
    """`enforce` makes stale artifacts impossible and witnesses; `observe` only witnesses; `off` does neither."""
