"""What is known of both builds, put beside what the bytes say: a known difference goes before a guess."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.parity.suspicion import Likelihood, Suspicion
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.parity.facts import InputDifference

_EXPLAINS = {
    # Both switch code of the project's own on and off, and with it what is constant in there.
    "features": frozenset({"own-data"}),
    "cargo-configuration": frozenset({"own-data", "other-sources"}),
}
_REPAIR = "give both builds the same {name}: put it under `inputs` in the spec, or into Cargo.toml"


def with_inputs(suspicion: Suspicion, known: Iterable[InputDifference]) -> Suspicion:
    """Return a suspicion made certain by an input that is known to differ, with that as its first evidence."""
    inputs = tuple(_evidence(difference) for difference in known if difference.cause == suspicion.cause)
    if not inputs:
        return suspicion
    return replace(suspicion, likelihood=Likelihood.CERTAIN, evidence=(*inputs, *suspicion.evidence))


def from_inputs(known: Iterable[InputDifference], *, named: set[str]) -> list[Suspicion]:
    """Return suspicions for inputs that differ while nothing in the bytes points to their cause."""
    found: dict[str, Suspicion] = {}
    for difference in known:
        if difference.cause in named:
            continue
        if difference.cause in found:
            earlier = found[difference.cause]
            found[difference.cause] = replace(earlier, evidence=(*earlier.evidence, _evidence(difference)))
            continue
        found[difference.cause] = Suspicion(
            cause=difference.cause,
            likelihood=Likelihood.LIKELY,
            explanation=f"both builds got another {difference.name}: {difference.local or 'none'} here, "
            f"{difference.image or 'none'} in the image",
            repair=difference.repair or _REPAIR.format(name=difference.name),
            evidence=(_evidence(difference),),
            explains=_EXPLAINS.get(difference.cause, frozenset()),
        )
    return list(found.values())


def _evidence(difference: InputDifference) -> Evidence:
    return Evidence(
        label=f"input {difference.name}",
        value=f"local {difference.local or 'none'}, image {difference.image or 'none'}",
    )
