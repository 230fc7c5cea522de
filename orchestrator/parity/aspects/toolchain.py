"""The tools that made the programs, as they name themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.aspects.aspect import Aspect
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def look(difference: Difference) -> Aspect:
    """Compare `.comment`, the standard library's commit, and the compilers in the debug information."""
    local, image, tools = difference.local, difference.image, difference.toolchains
    named = sorted({*local.comment, *image.comment})
    other = set(local.producers) ^ set(image.producers) if local.producers and image.producers else set()
    return Aspect(
        name="toolchain",
        equal=None if not named else not tools and not other,
        summary="; ".join(local.comment)
        if not tools and named
        else "nothing names itself"
        if not named
        else "other tools",
        details=(
            *(Evidence(label="only local", value=text) for text in tools.only_local),
            *(Evidence(label="only in the image", value=text) for text in tools.only_image),
            *(Evidence(label="compiler on one side only", value=text) for text in sorted(other)),
        ),
    )
