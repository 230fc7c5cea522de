"""Where the bytes are: by crate, as far as names tell, and by section."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.binary.names import code_by_crate
from orchestrator.parity.aspects.aspect import Aspect, sides
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


_MOST = 10


def look(difference: Difference) -> Aspect:
    """Compare code by crate; the largest differences come first."""
    local, image = difference.local, difference.image
    here, there = code_by_crate(local), code_by_crate(image)
    changes = {crate: there.get(crate, 0) - here.get(crate, 0) for crate in {*here, *there}}
    ranked = sorted((crate for crate in changes if changes[crate]), key=lambda crate: (-abs(changes[crate]), crate))
    return Aspect(
        name="sizes",
        equal=local.size == image.size and not ranked,
        summary=f"{local.size:,} bytes"
        if local.size == image.size
        else sides(f"{local.size:,} bytes", f"{image.size:,} bytes"),
        details=tuple(
            Evidence(label=crate, value=f"{changes[crate]:+,} bytes of code (local {here.get(crate, 0):,})")
            for crate in ranked[:_MOST]
        ),
    )
