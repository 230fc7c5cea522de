"""Notes that linkers and compilers leave: the build-id, properties, the oldest kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.aspects.aspect import Aspect, sides
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def look(difference: Difference) -> Aspect:
    """Compare the notes that are mapped."""
    local, image = difference.local, difference.image
    if not difference.sound:
        return Aspect(name="notes", equal=None, summary="not looked into")
    equal = local.notes == image.notes
    shown = [(side.build_id or "none")[:12] for side in (local, image)]
    return Aspect(
        name="notes",
        equal=equal,
        summary=f"build-id {shown[0]}" if equal else f"build-id {sides(*shown)}",
        details=()
        if equal
        else (Evidence(label="notes", value=sides("; ".join(local.notes), "; ".join(image.notes))),),
    )
