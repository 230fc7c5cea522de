"""What `parity:` in the spec accepts."""

from __future__ import annotations

from enum import StrEnum

from orchestrator.settings import Settings


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


def accepts(accepted: Rung, reached: Rung) -> bool:
    """Return whether a rung is at least as good as the worst one that is accepted."""
    ladder = tuple(Rung)
    return ladder.index(reached) <= ladder.index(accepted)


class ParitySettings(Settings):
    """How near the image's program must be to the host's."""

    accept: Rung = Rung.IDENTICAL
    """The worst rung that still passes."""
