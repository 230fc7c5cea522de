"""C code in the programs was compiled by another compiler, or with other flags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.evidence.blame import blame
from orchestrator.parity.suspicion import Likelihood, Suspicion, listed
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def weigh(difference: Difference) -> Suspicion | None:
    """Certain when debug information names other C compilers or flags; likely when C functions alone differ."""
    if not difference.sound:
        return None
    here, there = (
        [text for text in side.producers if text.startswith("GNU ")] for side in (difference.local, difference.image)
    )
    found = blame(difference)
    rust_same = found is not None and not found.own and not found.dependencies
    if here and there and here != there:
        only = [text for text in here if text not in there], [text for text in there if text not in here]
        return _suspect(
            Likelihood.CERTAIN,
            f"C code was compiled differently: local {listed(only[0], most=2)}; image {listed(only[1], most=2)}",
            (Evidence(label="C compilers", value=f"local {listed(only[0])}; image {listed(only[1])}"),),
        )
    # Functions that are on one side only are other C sources, or the compiler's own helpers that a linker kept.
    pairs = difference.content.bodies.changed if difference.content is not None else ()
    changed = found is not None and any(pair.local.name in found.c for pair in pairs)
    if found is not None and changed and rust_same and not difference.crates and not _is_a_library(difference):
        return _suspect(
            Likelihood.LIKELY,
            f"only C functions differ ({listed(found.c, most=3)}), all Rust functions are equal",
            (Evidence(label="C functions that differ", value=listed(found.c)),),
        )
    return None


def _is_a_library(difference: Difference) -> bool:
    """Return whether the C functions are those of a library that one side has compiled in and the other one asks for.

    Its functions stand on one side alone, and the calls of it go elsewhere; what another compiler or another flag did
    to the functions of both sides shows in their sizes.
    """
    functions = difference.functions
    return bool(difference.needed) and functions is not None and not functions.resized


def _suspect(likelihood: Likelihood, explanation: str, evidence: tuple[Evidence, ...]) -> Suspicion:
    return Suspicion(
        cause="c-compiler",
        likelihood=likelihood,
        explanation=explanation,
        repair="use the same C compiler package on both sides, and the same CC, CFLAGS and TARGET_CFLAGS "
        "(put them under `inputs` in the spec)",
        evidence=evidence,
        explains=frozenset({"codegen-settings", "other-sources"}),
    )
