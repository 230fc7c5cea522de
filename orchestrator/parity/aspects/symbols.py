"""The symbol tables, without the hashes in their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.binary.names import readable
from orchestrator.parity.aspects.aspect import Aspect
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


_MOST = 10


def look(difference: Difference) -> Aspect:
    """Compare which functions are named, whatever their bodies."""
    local, image, functions = difference.local, difference.image, difference.functions
    if functions is None:
        if local.stripped == image.stripped:
            return Aspect(
                name="symbols", equal=True if difference.sound else None, summary="neither has a symbol table"
            )
        side = "local" if image.stripped else "image's"
        return Aspect(name="symbols", equal=False, summary=f"only the {side} program has a symbol table")
    same = not functions.only_local and not functions.only_image
    return Aspect(
        name="symbols",
        equal=same,
        summary=f"the same {functions.local:,} functions are named"
        if same
        else f"{len(functions.only_local):,} names only local, {len(functions.only_image):,} only in the image",
        details=(
            *(Evidence(label="only local", value=readable(name)) for name in functions.only_local[:_MOST]),
            *(Evidence(label="only in the image", value=readable(name)) for name in functions.only_image[:_MOST]),
        ),
    )
