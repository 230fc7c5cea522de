"""Debug information: whether it is there, and how much of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.aspects.aspect import Aspect, sides
from orchestrator.parity.difference import DEBUG
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def look(difference: Difference) -> Aspect:
    """Compare the sizes and contents of `.debug_*`."""
    local, image = difference.section_sizes(*DEBUG)
    differing = [part.name for part in difference.sections if part.name.startswith(DEBUG)]
    if not local and not image:
        return Aspect(name="debug info", equal=True if difference.sound else None, summary="neither has any")
    return Aspect(
        name="debug info",
        equal=not differing,
        summary=sides(f"{local:,} bytes", f"{image:,} bytes") if differing else f"equal, {local:,} bytes",
        details=(Evidence(label="sections", value=", ".join(differing)),) if differing else (),
    )
