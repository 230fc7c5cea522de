"""A folder of the build is baked in as a value: `env!("CARGO_MANIFEST_DIR")` or its like.

`--remap-path-prefix` does not reach it: it is no path of a source file to the compiler, but a text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.binary.content.explain import SOURCES
from orchestrator.parity.cause.baked_folder import baked_folder
from orchestrator.parity.evidence.folders import folders, is_out_dir

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference
    from orchestrator.parity.suspicion import Suspicion


def weigh(difference: Difference) -> Suspicion | None:
    """Weigh texts that differ by folders of no source file."""
    found = [pair for pair in folders(difference) if any(not tail.endswith(SOURCES) for tail in pair.examples)]
    return baked_folder(
        difference,
        [
            f"{pair.local}{pair.examples[0]} (local) {pair.image}{pair.examples[0]} (image)"
            for pair in found
            if not is_out_dir(pair)
        ],
        cause="manifest-dir",
        label="folders",
        explanation="a folder of the build is part of the program",
        repair="build at the same absolute path on both sides (the local build does where namespaces are allowed; "
        "`invoke doctor`), or read the folder at run time instead of `env!`",
    )
