"""The commit, or a digest of the sources, is baked into the programs, and differs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.parity.evidence.texts import differing_texts, texts_alone
from orchestrator.parity.suspicion import Likelihood, Suspicion, listed
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference

_DIGEST = re.compile(
    r"(?<![0-9a-f])(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,128}(-dirty|-modified)?(?![0-9a-f])|-dirty|-modified"
)
_UNKNOWN = frozenset({"unknown", "none", "n/a", "vergen_idempotent_output"})
"""What build scripts put in where git gives no answer."""


def weigh(difference: Difference) -> Suspicion | None:
    """Likely when all code is equal and what differs reads as a hash.

    It does on both sides, or on one while the other has nothing in its place or says that it is not known; or one of
    two is `-dirty`.
    """
    texts = [pair for pair in differing_texts(difference) if _is_id(pair.local, pair.image)]
    if not texts:
        return None
    shown = [f"{pair.local or 'nothing'} (local) {pair.image or 'nothing'} (image)" for pair in texts]
    return Suspicion(
        cause="commit-id",
        likelihood=Likelihood.LIKELY if texts_alone(difference) else Likelihood.POSSIBLE,
        explanation=f"a commit or digest is part of the program: {listed(shown, most=2)}",
        repair="build both sides from the same commit; a build without .git cannot ask git, so pass the commit in "
        "under `inputs` (`${source.commit}`)",
        evidence=(Evidence(label="identifiers", value=listed(shown)),),
        explains=frozenset({"own-data", "other-sources"}),
    )


def _is_id(local: str, image: str) -> bool:
    if "/" in local or "/" in image:
        return False
    ids = [text for text in (local, image) if text and text.lower() not in _UNKNOWN]
    return (bool(ids) and all(map(_DIGEST.search, ids))) or ("dirty" in local) != ("dirty" in image)
