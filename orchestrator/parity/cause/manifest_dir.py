"""A folder of the build is baked in as a value: `env!("CARGO_MANIFEST_DIR")` or its like.

`--remap-path-prefix` does not reach it: it is no path of a source file to the compiler, but a text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.binary.content.explain import SOURCES
from orchestrator.parity.cause.suspicion import Likelihood, Suspicion, listed
from orchestrator.parity.evidence.folders import folders, is_out_dir
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def weigh(difference: Difference) -> Suspicion | None:
    """Certain when all else is equal, likely when all code is; where texts differ by folders of no source file."""
    found = [pair for pair in folders(difference) if any(not tail.endswith(SOURCES) for tail in pair.examples)]
    found = [pair for pair in found if not is_out_dir(pair)]
    if not found or difference.content is None:
        return None
    shown = [f"{pair.local}{pair.examples[0]} (local) {pair.image}{pair.examples[0]} (image)" for pair in found]
    # Where code differs as well, unrelated texts may happen to end alike.
    likelihood = Likelihood.LIKELY if difference.code_equal else Likelihood.POSSIBLE
    if difference.content.equal:
        likelihood = Likelihood.CERTAIN
    return Suspicion(
        cause="manifest-dir",
        likelihood=likelihood,
        explanation=f"a folder of the build is part of the program: {listed(shown, most=2)}",
        repair="build at the same absolute path on both sides (the local build does where namespaces are allowed; "
        "`invoke doctor`), or read the folder at run time instead of `env!`",
        evidence=(Evidence(label="folders", value=listed(shown)),),
    )
