"""Only the hashes in symbol names differ: the compiler was told other metadata for the same code.

Measured: an explicit `--target` of the host's own triple on one side, and a path dependency outside of the workspace,
change build-id and symbol names and nothing that is loaded (with real crates, functions may swap places as well).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.suspicion import Likelihood, Suspicion
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference

_NAMES = (".note.gnu.build-id", ".symtab", ".strtab")


def weigh(difference: Difference) -> Suspicion | None:
    """Certain when all that is mapped is equal and nothing but symbol names and the build-id differs.

    Likely when all code and data are equal and functions lie elsewhere, as hashes decide on their order.
    """
    functions, content = difference.functions, difference.content
    if functions is None or not functions.same_shape:
        return None
    names = {section.name for section in difference.sections}
    if difference.mapped_equal:
        if ".strtab" not in names or not names <= set(_NAMES):
            return None
        return _suspect(
            Likelihood.CERTAIN, "all that is mapped is equal; only hashes in the names of symbols differ", names
        )
    if content is None or not content.equal or content.folders:
        return None
    return _suspect(
        Likelihood.LIKELY, "all functions and data are equal; their hashes differ, and with these their order", names
    )


def _suspect(likelihood: Likelihood, explanation: str, names: set[str]) -> Suspicion:
    return Suspicion(
        cause="symbol-hash",
        likelihood=likelihood,
        explanation=explanation,
        repair="pass `--target` on both sides or on none, give both the same cargo profile, keep path dependencies "
        "inside the workspace; or accept it with `parity: {accept: hash-only}`",
        evidence=(Evidence(label="sections that differ", value=", ".join(sorted(names))),),
    )
