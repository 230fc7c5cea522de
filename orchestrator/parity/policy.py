"""What `parity:` in the spec accepts."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from orchestrator.parity.rung import Rung
from orchestrator.settings import Seconds, Settings


def _day(value: object) -> object:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        msg = "expected a day such as 2027-03-31"
        raise ValueError(msg) from None


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
"""A day, written `2027-03-31`."""


class WaiverSettings(Settings):
    """A known difference that may pass for a while. It stays in every report."""

    cause: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    """The cause that is waived, as verdicts and `invoke explain` name it."""

    down_to: Rung
    """The worst rung that passes for it."""

    reason: str = Field(min_length=1)
    """Why it may pass."""

    until: Day
    """The last day on which it does. Afterwards the check fails again."""


class ParitySettings(Settings):
    """How near the image's program must be to the host's."""

    accept: Rung = Rung.IDENTICAL
    """The worst rung that still passes."""

    waivers: tuple[WaiverSettings, ...] = Field(default=(), strict=False)
    """Known differences that may pass for a while."""

    probe_limit: Seconds = 1800.0
    """How long one call of `invoke probe` (or `build --probe`) may build; the next call goes on."""
