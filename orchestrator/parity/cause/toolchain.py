"""Another Rust toolchain compiled the image's program.

Compilers name themselves in `.comment`, and the standard library's source paths hold the compiler's commit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.difference import STANDARD_LIBRARY
from orchestrator.parity.suspicion import Likelihood, Suspicion, listed
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference

_EXPLAINS = frozenset(
    {
        *("codegen-settings", "codegen-units", "other-sources", "features", "symbol-hash", "own-data", "paths"),
        *("manifest-dir", "out-dir", "timestamp", "commit-id", "nondeterminism", "c-compiler", "linker"),
    }
)
"""Another toolchain brings another standard library, with texts and tables of its own: what is left is told once the
toolchains are the same."""
_RUST = ("rustc ", STANDARD_LIBRARY)


def weigh(difference: Difference) -> Suspicion | None:
    """Certain when both sides are Rust programs and name other compilers; possible when only a C compiler differs.

    A C compiler that is named on one side only may just as well be another set of C sources.
    """
    tools = difference.toolchains
    sides = [("local", tools.only_local), ("image", tools.only_image)]
    named = {side: [text for text in names if not text.startswith("Linker: ")] for side, names in sides}
    if not any(named.values()):
        return None
    rust = any(text.startswith(_RUST) for names in named.values() for text in names)
    both = all(any(text.startswith(_RUST) for text in side.comment) for side in (difference.local, difference.image))
    shown = [(side, names) for side, names in named.items() if names]
    return Suspicion(
        cause="toolchain",
        likelihood=Likelihood.CERTAIN if rust and both else Likelihood.POSSIBLE,
        explanation="other tools made it: " + "; ".join(f"only {side} {listed(names)}" for side, names in shown),
        repair="use one Rust toolchain on both sides: pin it in rust-toolchain.toml and in the builder's base image"
        if rust
        else "give the builder's base image the same C compiler packages as this machine",
        evidence=tuple(Evidence(label=f"tools, only {side}", value=listed(names)) for side, names in shown),
        explains=_EXPLAINS,
    )
