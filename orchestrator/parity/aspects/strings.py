"""Texts and paths that differ, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.aspects.aspect import Aspect, sides
from orchestrator.parity.evidence.texts import differing_texts
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


_MOST = 10
_LONGEST = 160


def look(difference: Difference) -> Aspect:
    """Show the differing texts, and the folders that stand for each other."""
    content = difference.content
    if content is None:
        equal = True if difference.mapped_equal else None
        return Aspect(name="strings", equal=equal, summary="equal" if equal else "not looked into")
    texts = differing_texts(difference)
    folders = content.folders
    if not texts and not folders:
        return Aspect(name="strings", equal=True, summary="no text differs")
    return Aspect(
        name="strings",
        equal=False,
        summary=", ".join(
            [
                *([f"{len(texts)} texts differ"] if texts else []),
                *([f"{len(folders)} pairs of folders"] if folders else []),
            ]
        ),
        details=(
            *(Evidence(label="folders", value=sides(pair.local, pair.image)) for pair in folders[:_MOST]),
            *(
                Evidence(label="text", value=sides(repr(t.local[:_LONGEST]), repr(t.image[:_LONGEST])))
                for t in texts[:_MOST]
            ),
        ),
    )
