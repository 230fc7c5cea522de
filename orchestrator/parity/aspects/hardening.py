"""Protections that the tables show, in the words of `checksec`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.aspects.aspect import Aspect, sides
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def look(difference: Difference) -> Aspect:
    """Compare read-only relocations, immediate binding, the stack, and checks of the C library."""
    here, there = (", ".join(side.hardening) or "none" for side in (difference.local, difference.image))
    if not difference.sound:
        return Aspect(name="hardening", equal=None, summary="not looked into")
    return Aspect(
        name="hardening",
        equal=here == there,
        summary=here if here == there else sides(here, there),
        details=() if here == there else (Evidence(label="protections", value=sides(here, there)),),
    )
