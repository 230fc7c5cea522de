"""No cause is at least likely. Saying so is better than a wrong name; what was ruled out narrows the search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.suspicion import Likelihood, Suspicion, listed
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def suspect(difference: Difference, *, ruled_out: tuple[str, ...]) -> Suspicion:
    """Return the honest answer, with what the functions say of the difference."""
    return Suspicion(
        cause="unknown",
        likelihood=Likelihood.POSSIBLE,
        explanation="the cause is unknown" + _functions(difference),
        repair="where a run made the pair, `invoke probe` builds its side again with one thing changed at a time; "
        "otherwise compare what went into both builds: features, profile, variables, time and user",
        evidence=(
            *((Evidence(label="ruled out", value=", ".join(ruled_out)),) if ruled_out else ()),
            *_names(difference),
        ),
    )


def _functions(difference: Difference) -> str:
    functions, local, image = difference.functions, difference.local, difference.image
    if local.code_sha256 is not None and local.code_sha256 == image.code_sha256:
        return "; the mapped machine code is equal"
    if functions is None:
        return ", and without symbols on both sides functions cannot be matched"
    if functions.same_shape:
        return "; no function was added, removed or resized"
    return (
        f"; of {functions.local:,} functions {len(functions.only_local):,} are only local, "
        f"{len(functions.only_image):,} only in the image, {len(functions.resized):,} of another size"
    )


def _names(difference: Difference) -> tuple[Evidence, ...]:
    gone = tuple(name for code in difference.own for name in code.missing)
    return (Evidence(label="own functions only local", value=listed(gone)),) if gone else ()
