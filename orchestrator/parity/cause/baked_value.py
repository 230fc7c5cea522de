"""A value of the build's surroundings is baked in: a user, a host, an environment variable.

Only known surroundings tell: a text that differs may as well be another source.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.evidence.texts import differing_texts
from orchestrator.parity.suspicion import Likelihood, Suspicion, listed
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def weigh(difference: Difference) -> Suspicion | None:
    """Certain when what differs is what a variable, the user or the host was on the two sides."""
    if difference.facts is None:
        return None
    local, image = difference.facts.local, difference.facts.image
    known = {
        f"variable {name}": (local.environment[name], image.environment[name])
        for name in local.environment
        if name in image.environment
    }
    for name, here, there in (("user", local.user, image.user), ("host", local.host, image.host)):
        if here is not None and there is not None:
            known[name] = (here, there)
    texts = differing_texts(difference)
    found = [
        f"{name}: {here!r} (local) {there!r} (image)"
        for name, (here, there) in known.items()
        if here != there and any(here in pair.local_text and there in pair.image_text for pair in texts)
    ]
    if not found:
        return None
    return Suspicion(
        cause="baked-value",
        likelihood=Likelihood.CERTAIN,
        explanation=f"the build's surroundings are part of the program: {listed(found, most=2)}",
        repair="give both sides the same value under `inputs` in the spec, or take it out of the build script",
        evidence=(Evidence(label="values", value=listed(found)),),
        explains=frozenset({"own-data", "other-sources"}),
    )
