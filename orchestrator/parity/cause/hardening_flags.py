"""The linker was told other protections: read-only relocations, immediate binding, no executable stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.suspicion import Likelihood, Suspicion
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference

_LINKED = frozenset({"relro", "full-relro", "bind-now", "nx"})


def weigh(difference: Difference) -> Suspicion | None:
    """Certain: the program headers and the dynamic table say so."""
    here, there = (set(side.hardening) & _LINKED for side in (difference.local, difference.image))
    if not difference.sound or here == there:
        return None
    shown = [", ".join(sorted(side)) or "none" for side in (here, there)]
    return Suspicion(
        cause="hardening-flags",
        likelihood=Likelihood.CERTAIN,
        explanation=f"they were linked with other protections: local {shown[0]}; image {shown[1]}",
        repair="pass the same `-C relro-level` and `-C link-arg=-Wl,-z,…` on both sides",
        evidence=(Evidence(label="protections", value=f"local {shown[0]}; image {shown[1]}"),),
        # Without full read-only relocations functions of other crates are called another way: all code differs.
        explains=frozenset({"symbol-hash", "codegen-settings"} if "full-relro" in here ^ there else {"symbol-hash"}),
    )
