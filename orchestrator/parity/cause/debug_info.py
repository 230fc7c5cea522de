"""One side was compiled with more debug information.

Besides the debug sections it changes loaded ones a little: `.debug_gdb_scripts` appears, a few functions are resized.
Or it has the same, compressed by the linker (`-Wl,--compress-debug-sections`) or by objcopy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.difference import DEBUG, compressed
from orchestrator.parity.suspicion import Likelihood, Suspicion
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference

_SCRIPTS = ".debug_gdb_scripts"


def weigh(difference: Difference) -> Suspicion | None:
    """Likely when only one side loads the scripts that debug information brings along, or is compressed."""
    if difference.mapped_equal and difference.local.debug_info and difference.image.debug_info:
        return _compressed(difference)
    here, there = ({part.name for part in side.sections} for side in (difference.local, difference.image))
    if not difference.sound or (_SCRIPTS in here) == (_SCRIPTS in there):
        return None
    sizes = difference.section_sizes(*DEBUG)
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


def _compressed(difference: Difference) -> Suspicion | None:
    packed = [compressed(side) for side in (difference.local, difference.image)]
    if packed[0] == packed[1]:
        return None
    side = "local" if packed[0] else "image's"
    sizes = difference.section_sizes(*DEBUG)
    return Suspicion(
        cause="debug-info",
        likelihood=Likelihood.LIKELY,
        explanation=f"all that is mapped is equal, and only the {side} program's debug information is compressed "
        f"({sizes[0]:,} bytes local, {sizes[1]:,} in the image)",
        repair="compress it on both sides or on none: `-C link-arg=-Wl,--compress-debug-sections=…` for both, and no "
        "`objcopy` in the Dockerfile; or accept it with `parity: {accept: hash-only}`",
        evidence=(Evidence(label="compressed", value=f"only in the {side} program"),),
        explains=frozenset({"debug-paths", "symbol-hash"}),
    )
