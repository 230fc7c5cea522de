"""What the loader must find: libraries, symbol versions, search paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.aspects.aspect import Aspect, sides
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def look(difference: Difference) -> Aspect:
    """Compare NEEDED, the symbol versions asked for, and RPATH with RUNPATH."""
    local, image, needed = difference.local, difference.image, difference.needed
    versions = sorted(set(local.versions) ^ set(image.versions))
    equal = not needed and not versions and local.search == image.search
    return Aspect(
        name="dynamic linking",
        equal=equal if difference.sound else None,
        summary=f"needs {', '.join(local.needed) or 'no library'}"
        if equal
        else "other libraries, versions or search paths",
        details=(
            *(Evidence(label="needed only local", value=name) for name in needed.only_local),
            *(Evidence(label="needed only in the image", value=name) for name in needed.only_image),
            *((Evidence(label="versions on one side only", value=", ".join(versions)),) if versions else ()),
            *(
                (Evidence(label="search paths", value=sides(local.search, image.search)),)
                if local.search != image.search
                else ()
            ),
        ),
    )
