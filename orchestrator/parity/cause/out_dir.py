"""The folder that a build script writes to (`OUT_DIR`) is baked in.

Its name holds a hash of the package's settings, and `--remap-path-prefix` does not reach it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.cause.suspicion import Likelihood, Suspicion, listed
from orchestrator.parity.evidence.folders import folders, is_out_dir
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def weigh(difference: Difference) -> Suspicion | None:
    """Certain when all else is equal, likely when all code is, where texts differ by `…/build/<package>-<hash>/out`."""
    found = [pair for pair in folders(difference) if is_out_dir(pair)]
    if not found or difference.content is None:
        return None
    shown = [f"{pair.local} (local) {pair.image} (image)" for pair in found]
    # Where code differs as well, unrelated texts may happen to end alike.
    likelihood = Likelihood.LIKELY if difference.code_equal else Likelihood.POSSIBLE
    if difference.content.equal:
        likelihood = Likelihood.CERTAIN
    return Suspicion(
        cause="out-dir",
        likelihood=likelihood,
        explanation=f"a build script's OUT_DIR is part of the program: {listed(shown, most=1)}",
        repair="use `include!`/`include_str!` of the file instead of keeping its path; the hash in it also depends on "
        "`--target` and features, so pass the same on both sides",
        evidence=(Evidence(label="OUT_DIR", value=listed(shown)),),
    )
