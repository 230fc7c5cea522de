"""Only debug information differs: it names the folders that the sources lay in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.difference import DEBUG, compressed
from orchestrator.parity.suspicion import Likelihood, Suspicion
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def weigh(difference: Difference) -> Suspicion | None:
    """Likely when all that is mapped is equal, both carry debug information, and that differs."""
    local, image = difference.local, difference.image
    differing = {section.name for section in difference.sections if section.name.startswith(DEBUG)}
    if not difference.mapped_equal or not differing or not (local.debug_info and image.debug_info):
        return None
    packed = [compressed(side) for side in (local, image)]
    sizes = difference.section_sizes(".debug_info")
    # How much a compressed section takes depends on the very paths.
    if difference.toolchains or packed[0] != packed[1] or (sizes[0] != sizes[1] and not packed[0]):
        return None
    return Suspicion(
        cause="debug-paths",
        likelihood=Likelihood.LIKELY,
        explanation="only debug information differs: the sources lay in other folders",
        repair="build at the same path on both sides, or map both with `--remap-path-prefix` (and C code with "
        "`-ffile-prefix-map`)",
        evidence=(Evidence(label="sections that differ", value=", ".join(sorted(differing))),),
        explains=frozenset({"symbol-hash"}),
    )
