"""Another linker, or another version of it, put the program together.

rust-lld names itself in `.comment`, GNU ld does not: a linker that is named on one side only is another linker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.suspicion import Likelihood, Suspicion
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference

_PREFIX = "Linker: "


def weigh(difference: Difference) -> Suspicion | None:
    """Certain when both are Rust programs and `.comment` names other linkers."""
    local, image = difference.local, difference.image
    here, there = ([text for text in side.comment if text.startswith(_PREFIX)] for side in (local, image))
    both = all(any(text.startswith("rustc ") for text in side.comment) for side in (local, image))
    if not difference.sound or here == there or not local.comment or not image.comment:
        return None
    shown = [
        ", ".join(text.removeprefix(_PREFIX) for text in side) or "one that leaves no name" for side in (here, there)
    ]
    return Suspicion(
        cause="linker",
        likelihood=Likelihood.CERTAIN if both else Likelihood.LIKELY,
        explanation=f"other linkers: local {shown[0]}; image {shown[1]}",
        repair="link with the same linker on both sides: the same toolchain, and the same `linker` and `link-arg` "
        "settings in .cargo/config.toml",
        evidence=(Evidence(label="linker", value=f"local {shown[0]}; image {shown[1]}"),),
        explains=frozenset({"symbol-hash", "hardening-flags"}),
    )
