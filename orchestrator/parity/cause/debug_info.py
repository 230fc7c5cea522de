"""One side was compiled with more debug information.

Besides the debug sections it changes loaded ones a little: `.debug_gdb_scripts` appears, a few functions are resized.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.cause.suspicion import Likelihood, Suspicion
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference

_SCRIPTS = ".debug_gdb_scripts"


def weigh(difference: Difference) -> Suspicion | None:
    """Likely when only one side loads the scripts that debug information brings along."""
    here, there = ({part.name for part in side.sections} for side in (difference.local, difference.image))
    if not difference.sound or (_SCRIPTS in here) == (_SCRIPTS in there):
        return None
    sizes = difference.section_sizes(".debug_")
    side = "local" if _SCRIPTS in here else "image's"
    return Suspicion(
        cause="debug-info",
        likelihood=Likelihood.LIKELY,
        explanation=f"only the {side} program was compiled with debug information "
        f"({sizes[0]:,} bytes local, {sizes[1]:,} in the image)",
        repair="build both sides with the same `debug` in the cargo profile; CARGO_PROFILE_RELEASE_DEBUG overrides it",
        evidence=(Evidence(label=_SCRIPTS, value=f"only in the {side} program"),),
        explains=frozenset({"strip-debug", "symbol-hash", "own-data"}),
    )
