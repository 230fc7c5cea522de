"""One side is a debug build: not optimised, with the checks of the standard library's debug assertions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.parity.suspicion import Likelihood, Suspicion
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference

_CHECK = "precondition_check"
_OVERFLOW = re.compile(r"panic_const_\w*_overflow")


def weigh(difference: Difference) -> Suspicion | None:
    """Certain when only one side holds checks that debug assertions bring, and panics of overflowing arithmetic.

    A few of these checks are left in any program that is not optimised: alone they show no more than that, and
    `codegen-settings` is the cause. Without symbols nothing is seen of them.
    """
    local, image = difference.local.functions, difference.image.functions
    if not difference.sound or local is None or image is None:
        return None
    here, there = (sum(_CHECK in function.name for function in side) for side in (local, image))
    overflows = [any(_OVERFLOW.search(function.name) for function in functions) for functions in (local, image)]
    if bool(here) == bool(there) or overflows != [bool(here), bool(there)]:
        return None
    side = "local" if here else "image's"
    return Suspicion(
        cause="debug-profile",
        likelihood=Likelihood.CERTAIN,
        explanation=f"the {side} program is a debug build ({len(local):,} functions local, {len(image):,} in the "
        "image)",
        repair="build both sides with `--release` (or the same `--profile`), and copy from `target/release`",
        evidence=(Evidence(label="checks of debug assertions", value=f"{here or there}, only in the {side} program"),),
        explains=frozenset(
            {
                "codegen-settings",
                "codegen-units",
                "overflow-checks",
                "debug-info",
                "other-sources",
                "features",
                "stub",
                "partial-stub",
                "strip-debug",
            }
        ),
    )
