"""Ways to look at a pair of programs, one file each. To add one, write its file and name it in `ASPECTS`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from orchestrator.parity.aspects import (
    code,
    data,
    debug_info,
    dependencies,
    dynamic_linking,
    hardening,
    headers,
    identity,
    notes,
    sections,
    sizes,
    strings,
    symbols,
    toolchain,
)
from orchestrator.parity.aspects.aspect import Aspect

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.parity.difference import Difference

__all__ = ["ASPECTS", "Aspect", "look_at"]

ASPECTS: Final[tuple[Callable[[Difference], Aspect], ...]] = (
    identity.look,
    headers.look,
    sections.look,
    code.look,
    data.look,
    strings.look,
    dependencies.look,
    symbols.look,
    toolchain.look,
    debug_info.look,
    notes.look,
    dynamic_linking.look,
    hardening.look,
    sizes.look,
)


_ALWAYS = frozenset({"identity", "sizes"})
"""What can be said of any two files."""


def look_at(difference: Difference) -> tuple[Aspect, ...]:
    """Return what every aspect shows, in the order in which they are told.

    Of a file that is damaged, no program, or one of another system, the insides are not held against the other's: lists
    of all that a script lacks would hide that it is one.
    """
    aspects = tuple(look(difference) for look in ASPECTS)
    local, image = difference.local, difference.image
    if local.format is image.format and local.damage is None and image.damage is None:
        return aspects
    return tuple(
        replace(aspect, details=aspect.details if aspect.name == "identity" else ())
        if aspect.name in _ALWAYS
        else Aspect(name=aspect.name, equal=None, summary="not compared: there are no two programs of one kind")
        for aspect in aspects
    )
