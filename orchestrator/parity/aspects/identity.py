"""What the two files are: format, processor, kind of program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.aspects.aspect import Aspect, sides
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def look(difference: Difference) -> Aspect:
    """Compare what the first bytes and the header say."""
    local, image = difference.local, difference.image
    here, there = ((side.format.value, side.machine, side.kind) for side in (local, image))
    shown = [" ".join(word for word in side if word) for side in (here, there)]
    damage = tuple(
        Evidence(label=f"damage, {name}", value=side.damage)
        for name, side in (("local", local), ("image", image))
        if side.damage
    )
    return Aspect(
        name="identity",
        equal=here == there and not damage,
        summary=shown[0] if here == there else sides(*shown),
        details=damage,
    )
