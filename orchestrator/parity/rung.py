"""The ladder: how far two programs are apart. Apart from the spec's slice, whose reader takes a fifth of a second."""

from __future__ import annotations

from enum import StrEnum


class Rung(StrEnum):
    """How far two programs are apart, best first. The order is the order of this class.

    Source of the rungs: measured pairs of builds, see docs/explanation/parity-ladder.md.
    """

    IDENTICAL = "identical"
    METADATA = "metadata"
    HASH_ONLY = "hash-only"
    PATHS = "paths"
    DATA = "data"
    CODE = "code"
    TOOLCHAIN = "toolchain"
    FOREIGN = "foreign"


SAME_CONTENT = frozenset({Rung.IDENTICAL, Rung.METADATA, Rung.HASH_ONLY})
"""Rungs on which all that is loaded is equal."""


def accepts(accepted: Rung, reached: Rung) -> bool:
    """Return whether a rung is at least as good as the worst one that is accepted."""
    ladder = tuple(Rung)
    return ladder.index(reached) <= ladder.index(accepted)
