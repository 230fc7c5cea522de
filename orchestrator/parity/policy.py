"""What `parity:` in the spec accepts."""

from __future__ import annotations

import difflib
from datetime import date
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from orchestrator.errors import UsageError
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


PolicyName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
"""Of a kind of run: `developer`, `release`, `nightly`."""

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

    policies: dict[PolicyName, Rung] = Field(default_factory=dict)
    """For kinds of runs, the worst rung that passes there: `{developer: paths, release: identical}`. `invoke build
    --policy developer` takes that one in place of `accept`."""

    waivers: tuple[WaiverSettings, ...] = Field(default=(), strict=False)
    """Known differences that may pass for a while."""

    probe_limit: Seconds = 1800.0
    """How long one call of `invoke probe` (or `build --probe`) may build; the next call goes on."""

    def under(self, policy: str) -> ParitySettings:
        """Return what a kind of run asks for; without a name, what `accept` says.

        Raises:
            UsageError: the spec has no such policy.
        """
        if not policy:
            return self
        if policy not in self.policies:
            close = difflib.get_close_matches(policy, self.policies, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            known = ", ".join(self.policies) or "none"
            raise UsageError(
                f"`parity.policies` of the spec has no {policy!r}, it has: {known}{hint}",
                repair=f"write it there, such as `policies: {{{policy}: identical}}`, or leave out --policy",
            )
        return self.model_copy(update={"accept": self.policies[policy]})
