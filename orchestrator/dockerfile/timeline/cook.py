"""What `cargo chef cook` writes over: it lays out all targets of the project as placeholders, whatever lies there."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from orchestrator.dockerfile.timeline.files import Reach

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.dockerfile.timeline.cargo_call import CargoCall
    from orchestrator.dockerfile.timeline.events import Arrived
    from orchestrator.dockerfile.timeline.project import BuildContext


def written_over(
    cook: CargoCall, arrivals: Sequence[Arrived], context: BuildContext | None
) -> Iterator[tuple[str, Arrived]]:
    """Yield each source that was surely copied in before a cook: its path in the stage, and what brought it.

    Args:
        cook: the call of `cargo chef cook`.
        arrivals: what was copied in until then, the oldest first.
        context: what is known of the project.
    """
    packages = context.packages if context else ()
    known = [target.path for package in packages for target in package.targets]
    for source in known or ["src/main.rs", "src/lib.rs"]:
        for arrived in reversed(arrivals) if cook.certain else ():
            place = _brought_below(cook.directory, source, arrived, known=bool(known))
            if place is not None:
                yield place, arrived
                break


def _brought_below(folder: str, source: str, arrived: Arrived, *, known: bool) -> str | None:
    """Return where below a folder a COPY puts a source of the build context; None where it surely puts it nowhere.

    `known`: whether the source is one of the project; else it is what most projects have, wherever it comes from.
    """
    parts = source.split("/")
    for count in range(len(parts) if known else 1):
        place = posixpath.join(folder, *parts[count:])
        brought = arrived.origin is None and arrived.reach(place) is Reach.YES
        if brought and (not known or arrived.source_of(place) == source):
            return place
    return None
