"""What each factor of a search for the cause means for the build that is made under it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.build.probe_build import Circumstances
from orchestrator.parity.probe import Factor

if TYPE_CHECKING:
    from orchestrator.build.local import LocalPlan

_ANOTHER_USER = 1000
"""The first number that Debian gives to a person, and the one that a `USER` in a builder stage most often has."""


def circumstances(factor: Factor, plan: LocalPlan, epoch: int) -> Circumstances:
    """Return what a factor changes; each value is one that the local build surely did not have."""
    if factor in {Factor.CLOCK, Factor.RANDOM, Factor.CLOCK_AND_RANDOM}:
        return Circumstances(clock=None if factor is Factor.RANDOM else epoch, steady_random=factor is not Factor.CLOCK)
    if factor is Factor.HOST:
        return Circumstances(host="another-host")
    if factor is Factor.USER:
        return Circumstances(variables=_variables(factor, epoch), user=_ANOTHER_USER)
    if factor is Factor.PATH:
        return Circumstances(folder=f"{plan.paths.workspace}-elsewhere")
    return Circumstances(variables=_variables(factor, epoch))


def _variables(factor: Factor, epoch: int) -> dict[str, str]:
    return {
        Factor.JOBS: {"CARGO_BUILD_JOBS": "1"},
        Factor.LOCALE: {"LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Tokyo"},
        Factor.USER: {"USER": "somebody", "LOGNAME": "somebody", "USERNAME": "somebody"},
        Factor.EPOCH: {"SOURCE_DATE_EPOCH": str(epoch - 86_400)},
    }.get(factor, {})
