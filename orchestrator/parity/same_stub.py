"""Two identical programs that are one and the same placeholder: both sides were built without the real sources.

Nothing differs, so no cause of a difference can tell it. The program itself does: its package has nothing but a `main`
without a body, and no dependency left a trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.binary.names import entry_crates, function_size, own_functions
from orchestrator.parity.suspicion import Likelihood, Suspicion, counted

if TYPE_CHECKING:
    from orchestrator.binary.profile import BinaryProfile

EMPTY = 16
"""Bytes of code of a `main` that does nothing: one on x86-64, at most four instructions elsewhere."""

LARGEST = 8 << 20
"""Bytes of a file that is looked at. Rust's `fn main() {}` takes 0.3 to 4 MB, by profile and debug information."""


def same_stub(profile: BinaryProfile) -> Suspicion | None:
    """Return the suspicion that a program is a placeholder; None where it does something, or nothing can be told.

    Args:
        profile: of the program that both sides have.
    """
    if profile.functions is None or profile.crates or not profile.rustc_commits:
        return None
    for crate in entry_crates(profile):
        main = f"{crate}::main"
        size = function_size(profile, main)
        if own_functions(profile, crate) == (main,) and size is not None and size <= EMPTY:
            return Suspicion(
                cause="stub",
                likelihood=Likelihood.LIKELY,
                explanation=f"both are the same placeholder: `{main}` takes {counted(size, 'byte', 'bytes')} and does "
                "nothing, its package has no other function, and no dependency left a trace",
                repair="look at what both builds compiled: a `main` that was written to cache dependencies may lie in "
                "the sources themselves, or in a target directory that both have used",
            )
    return None
