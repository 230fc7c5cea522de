"""Other tools made the image's program: compiler, linker, or the C compiler behind the start-up files.

They name themselves in `.comment`. rust-lld does, GNU ld does not, so a linker that is named on one side only is
another linker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.cause.suspicion import Likelihood, Suspicion, listed
from orchestrator.parity.difference import STANDARD_LIBRARY
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference

_RUST = ("rustc ", STANDARD_LIBRARY)
_LINKER = ("Linker: ",)
_REPAIRS = {
    _RUST: "use one Rust toolchain on both sides: pin it in rust-toolchain.toml and in the builder's base image",
    _LINKER: "link with the same linker on both sides: the same toolchain, and the same `linker` and `link-arg` "
    "settings in .cargo/config.toml",
}
_C_REPAIR = "give the builder's base image the same C compiler packages as this machine"


def weigh(difference: Difference) -> Suspicion | None:
    """Certain when both sides are Rust programs and name other compilers or linkers; possible for C compilers alone.

    A C compiler that is named on one side only may just as well be another set of C sources.
    """
    tools = difference.toolchains
    if not tools:
        return None
    both = bool(tools.only_local and tools.only_image)
    named = (*tools.only_local, *tools.only_image)
    kind = next((kind for kind in _REPAIRS if any(text.startswith(kind) for text in named)), None)
    rust = all(any(text.startswith(_RUST) for text in side.comment) for side in (difference.local, difference.image))
    sides = [(side, names) for side, names in (("local", tools.only_local), ("image", tools.only_image)) if names]
    return Suspicion(
        cause="toolchain",
        likelihood=Likelihood.CERTAIN if rust and (kind is not None or both) else Likelihood.POSSIBLE,
        explanation="other tools made it: " + "; ".join(f"only {side} {listed(names)}" for side, names in sides),
        repair=_REPAIRS[kind] if kind else _C_REPAIR,
        evidence=tuple(Evidence(label=f"tools, only {side}", value=listed(names)) for side, names in sides),
    )
