"""Protections that the tables show, in the words of `checksec`; of PE and Mach-O files as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.binary.profile import Format
from orchestrator.parity.aspects.aspect import Aspect, sides
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference

_KNOWN = frozenset({Format.ELF, Format.PE, Format.MACH_O})


def look(difference: Difference) -> Aspect:
    """Compare free addresses, read-only relocations, immediate binding, the stack, and checks of the C library."""
    here, there = (", ".join(side.hardening) or "none" for side in (difference.local, difference.image))
    formats = {difference.local.format, difference.image.format}
    if len(formats) > 1 or not formats <= _KNOWN or difference.local.damage or difference.image.damage:
        return Aspect(name="hardening", equal=None, summary="not looked into")
    return Aspect(
        name="hardening",
        equal=here == there,
        summary=here if here == there else sides(here, there),
        details=() if here == there else (Evidence(label="protections", value=sides(here, there)),),
    )
