"""Only the hashes in symbol names differ: the compiler was told other metadata for the same code.

Measured: an explicit `--target` of the host's own triple on one side, and a path dependency outside of the workspace,
change build-id and symbol names and nothing that is loaded (with real crates, functions may swap places as well).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.cause.suspicion import Likelihood, Suspicion
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference

_NAMES = (".note.gnu.build-id", ".symtab", ".strtab")


def weigh(difference: Difference) -> Suspicion | None:
    """Certain when all that is mapped is equal and nothing but symbol names and the build-id differs."""
    local, image, functions = difference.local, difference.image, difference.functions
    if (local.code_sha256, local.data_sha256) != (image.code_sha256, image.data_sha256):
        return None
    names = {section.name for section in difference.sections}
    if functions is None or not functions.same_shape or ".strtab" not in names or not names <= set(_NAMES):
        return None
    return Suspicion(
        cause="symbol-hash",
        likelihood=Likelihood.CERTAIN,
        explanation="all that is mapped is equal; only hashes in the names of symbols differ",
        repair="pass `--target` on both sides or on none, keep path dependencies inside the workspace, or strip the "
        'symbols on both sides (`strip = "symbols"` in the cargo profile)',
        evidence=(Evidence(label="sections that differ", value=", ".join(sorted(names))),),
    )
