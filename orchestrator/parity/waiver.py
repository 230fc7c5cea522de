"""Waivers put beside what was found: a pair passes when each of its causes is waived, and no worse than was said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.parity.rung import accepts
from orchestrator.parity.suspicion import Likelihood

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from orchestrator.parity.policy import WaiverSettings
    from orchestrator.parity.rung import Rung
    from orchestrator.parity.suspicion import Suspicion


@dataclass(frozen=True, slots=True, kw_only=True)
class Waived:
    """What waivers do for one pair.

    Attributes:
        passes: whether every cause is waived.
        used: waivers in force that fit a cause.
        expired: waivers that fit a cause and are over.
        unused: waivers that fit none.
    """

    passes: bool
    used: tuple[WaiverSettings, ...] = ()
    expired: tuple[WaiverSettings, ...] = ()
    unused: tuple[WaiverSettings, ...] = ()


def waive(waivers: Sequence[WaiverSettings], *, rung: Rung, suspicions: Sequence[Suspicion], today: date) -> Waived:
    """Return what the waivers do.

    A cause counts when it is at least likely. An unknown cause cannot be waived: nobody knows what that would let pass.

    Args:
        waivers: those of the spec.
        rung: that the pair stands at.
        suspicions: what `diagnose` found; empty for a pair that is accepted anyway.
        today: for telling which ones are over.
    """
    causes = {suspicion.cause for suspicion in suspicions if suspicion.likelihood >= Likelihood.LIKELY}
    fitting = [waiver for waiver in waivers if waiver.cause in causes]
    used = [waiver for waiver in fitting if waiver.until >= today]
    waived = {waiver.cause for waiver in used if accepts(waiver.down_to, rung)}
    return Waived(
        passes=bool(causes) and causes <= waived,
        used=tuple(used),
        expired=tuple(waiver for waiver in fitting if waiver.until < today),
        unused=tuple(waiver for waiver in waivers if waiver.cause not in causes),
    )
