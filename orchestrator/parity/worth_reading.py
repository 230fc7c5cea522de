"""Whether two programs are read byte by byte once their profiles are known: it may take seconds, and tell nothing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from orchestrator.binary.names import entry_crates
from orchestrator.binary.profile import Format
from orchestrator.parity.toolchains import toolchains

if TYPE_CHECKING:
    from orchestrator.binary.profile import BinaryProfile

_LARGE = 1 << 24
"""Bytes of code on both sides together up to which reading takes about two seconds whatever the programs are."""
_UNLIKE = 4
"""One function in so many without a counterpart of its name and size makes two programs plainly unlike."""


def worth_reading(local: BinaryProfile, image: BinaryProfile) -> bool:
    """Return whether comparing the contents can tell more than the profiles do.

    It cannot where all that is mapped is equal, where this way of comparing does not reach, and where two large
    programs are plainly unlike: another `main`, or other tools and mostly other functions. Their rung and their cause
    are settled, and tens of thousands of differing functions are a list that nobody reads.
    """
    if {local.format, image.format} != {Format.ELF} or local.damage or image.damage or local.machine != image.machine:
        return False
    if (local.code_sha256, local.data_sha256) == (image.code_sha256, image.data_sha256):
        return False
    return _code_size(local) + _code_size(image) <= _LARGE or not plainly_unlike(local, image)


def plainly_unlike(local: BinaryProfile, image: BinaryProfile) -> bool:
    """Return whether the symbol tables alone show two different programs, or one made by other tools."""
    if local.functions is None or image.functions is None:
        return False
    mains = set(entry_crates(local))
    if mains and not mains & set(entry_crates(image)):
        return True
    if not toolchains(local, image):
        return False
    alike = (Counter(local.functions) & Counter(image.functions)).total()
    return alike < max(len(local.functions), len(image.functions)) * (1 - 1 / _UNLIKE)


def _code_size(profile: BinaryProfile) -> int:
    return sum(section.size for section in profile.sections if "X" in section.flags)
