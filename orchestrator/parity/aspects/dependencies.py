"""Dependencies with their versions, from the source paths of panics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.aspects.aspect import Aspect
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def look(difference: Difference) -> Aspect:
    """List what only one side shows. A dependency that cannot panic leaves no trace."""
    crates, local = difference.crates, difference.local
    return Aspect(
        name="dependencies",
        equal=not crates if local.crates or difference.image.crates else None,
        summary=f"{len(crates.only_local)} only local, {len(crates.only_image)} only in the image"
        if crates
        else f"the same {len(local.crates)} show"
        if local.crates
        else "none shows",
        details=(
            *(Evidence(label="only local", value=name) for name in crates.only_local),
            *(Evidence(label="only in the image", value=name) for name in crates.only_image),
        ),
    )
