"""Constants that the project's own code uses differ, and no machine code does but for their lengths.

A text in the sources, or a value that a build script or `env!` bakes in: which of both cannot be told from the bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.binary.names import crate_of
from orchestrator.parity.evidence.texts import differing_texts, texts_alone
from orchestrator.parity.suspicion import Likelihood, Suspicion, listed
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def weigh(difference: Difference) -> Suspicion | None:
    """Likely when the code is equal and what refers to the differing constants is the project's own."""
    content = difference.content
    if content is None or not content.named or not content.constants.sections or not texts_alone(difference):
        return None
    users = (*content.bodies.other_data, *content.bodies.changed)
    crates = sorted({crate_of(pair.local.name) or "C code" for pair in users})
    own = {code.crate for code in difference.own} | set(difference.local_entries)
    texts = differing_texts(difference)
    if not texts or not set(crates) & own:
        return None
    shown = [f"{pair.local!r} against {pair.image!r}" for pair in texts]
    return Suspicion(
        cause="own-data",
        likelihood=Likelihood.LIKELY,
        explanation=f"a constant of the project's own code differs: {listed(shown, most=2)}",
        repair="build both sides from the same sources; if they are the same, find what bakes the value in (build.rs, "
        "`env!`, `option_env!`) and give both sides the same one under `inputs`",
        evidence=(
            Evidence(label="texts that differ", value=listed(shown)),
            Evidence(label="used by", value=listed(crates)),
        ),
        explains=frozenset({"other-sources"}),
    )
