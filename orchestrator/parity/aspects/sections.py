"""Sections by content: which differ, and which only one side has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.aspects.aspect import Aspect, sides
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


_MOST = 40


def look(difference: Difference) -> Aspect:
    """List the differing sections with both sizes."""
    total = len({part.name for part in (*difference.local.sections, *difference.image.sections)})
    differing = difference.sections
    alone = sum(part.local_size is None or part.image_size is None for part in differing)
    return Aspect(
        name="sections",
        equal=not differing if total else None,
        summary=f"{len(differing)} of {total} differ" + (f", {alone} on one side only" if alone else ""),
        details=tuple(
            Evidence(label=part.name, value=sides(_size(part.local_size), _size(part.image_size)))
            for part in differing[:_MOST]
        ),
    )


def _size(size: int | None) -> str:
    return "none" if size is None else f"{size:,} bytes"
