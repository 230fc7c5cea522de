"""The folder that a build script writes to (`OUT_DIR`) is baked in.

Its name holds a hash of the package's settings, and `--remap-path-prefix` does not reach it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.cause.baked_folder import baked_folder
from orchestrator.parity.evidence.folders import folders, is_out_dir

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference
    from orchestrator.parity.suspicion import Suspicion


def weigh(difference: Difference) -> Suspicion | None:
    """Weigh texts that differ by `…/build/<package>-<hash>/out`."""
    return baked_folder(
        difference,
        [f"{pair.local} (local) {pair.image} (image)" for pair in folders(difference) if is_out_dir(pair)],
        cause="out-dir",
        label="OUT_DIR",
        explanation="a build script's OUT_DIR is part of the program",
        repair="use `include!`/`include_str!` of the file instead of keeping its path; the hash in it also depends on "
        "`--target` and features, so pass the same on both sides",
    )
