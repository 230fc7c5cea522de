"""What COPY, ADD and mounts bring into a stage."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from orchestrator.dockerfile.timeline.events import Arrived, Step
from orchestrator.dockerfile.timeline.files import Reach
from orchestrator.dockerfile.words import expand, unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.project import BuildContext
    from orchestrator.dockerfile.trace import Placed

_ARCHIVE = re.compile(r"\.(?:tar(?:\.\w+)?|tgz|tbz2|txz)$")


def arrival(placed: Placed, *, context: BuildContext | None, step: Step) -> Arrived | None:
    """Return what a COPY or ADD brings."""
    instruction = placed.instruction
    words = [expand(unquote(word), placed.environment) for word in instruction.values]
    if len(words) < 2:  # noqa: PLR2004 - a source and a destination
        return None
    to = words[-1]
    origin = instruction.flag("from")
    if origin is None and any(re.match(r"https?://|git@|.*\.git(?:#|$)", word) for word in words[:-1]):
        origin = "a remote source"
    if instruction.keyword == "ADD" and any(_ARCHIVE.search(word) for word in words[:-1]):
        # ADD unpacks archives; what is in them is not known.
        return _unpacked(placed, to, step)
    return Arrived(
        sources=tuple(words[:-1]),
        to=posixpath.normpath(posixpath.join(placed.directory, to)),
        folder=to.endswith("/") or to in {".", ".."} or len(words) > 2,  # noqa: PLR2004 - several sources
        origin=None if origin is None else expand(origin, placed.environment),
        fresh=Reach.NO,
        context=context if origin is None else None,
        span=step.span,
        step=step,
        parents="--parents" in instruction.flags,
    )


def _unpacked(placed: Placed, to: str, step: Step) -> Arrived:
    return Arrived(
        sources=(),
        to=posixpath.normpath(posixpath.join(placed.directory, to)),
        folder=True,
        origin="an archive",
        fresh=Reach.MAYBE,
        context=None,
        span=step.span,
        step=step,
    )


def cache_mounts(placed: Placed) -> Iterator[tuple[str, str]]:
    """Yield (mount point, id) of a RUN step's cache mounts."""
    for options in _mounts(placed):
        target = options.get("target") or options.get("dst") or options.get("destination")
        if options.get("type") == "cache" and target:
            place = posixpath.normpath(posixpath.join(placed.directory, target))
            yield place, options.get("id") or place


def bound(placed: Placed, *, context: BuildContext | None, step: Step) -> Iterator[Arrived]:
    """Yield what bind mounts of the context put into a RUN step."""
    for options in _mounts(placed):
        target = options.get("target") or options.get("dst") or options.get("destination")
        if options.get("type", "bind") == "bind" and target and "from" not in options:
            source = options.get("source") or options.get("src") or "."
            yield Arrived(
                sources=(source,),
                to=posixpath.normpath(posixpath.join(placed.directory, target)),
                folder=False,
                origin=None,
                fresh=Reach.NO,
                context=context,
                span=step.span,
                step=step,
            )


def _mounts(placed: Placed) -> Iterator[dict[str, str]]:
    for flag in placed.instruction.flags:
        if flag.startswith("--mount="):
            parts = expand(flag.removeprefix("--mount="), placed.environment).split(",")
            yield {name: value for name, _, value in (part.partition("=") for part in parts)}
