"""Ways to look at a pair of programs, one file each. To add one, write its file and name it in `ASPECTS`."""

from __future__ import annotations

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


def look_at(difference: Difference) -> tuple[Aspect, ...]:
    """Return what every aspect shows, in the order in which they are told."""
    return tuple(look(difference) for look in ASPECTS)
