"""What the program asks of the kernel: entry, segments, loader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.aspects.aspect import Aspect, sides
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def look(difference: Difference) -> Aspect:
    """Compare the loader and the protections of segments; the layout itself shows under `code` and `data`."""
    local, image = difference.local, difference.image
    if not difference.sound:
        return Aspect(name="headers", equal=None, summary="only ELF programs without damage are looked into")
    equal = local.interpreter == image.interpreter and local.kind == image.kind
    return Aspect(
        name="headers",
        equal=equal,
        summary=f"loader {local.interpreter or 'none'}"
        if equal
        else sides(f"{local.kind} {local.interpreter or 'static'}", f"{image.kind} {image.interpreter or 'static'}"),
        details=() if equal else (Evidence(label="loader", value=sides(local.interpreter, image.interpreter)),),
    )
