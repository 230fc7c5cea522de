"""Where a COPY puts a file, and which file it puts at a place."""

from __future__ import annotations

import fnmatch
import posixpath
from enum import IntEnum, auto
from typing import TYPE_CHECKING

from orchestrator.dockerfile.words import expand, unquote

if TYPE_CHECKING:
    from orchestrator.dockerfile.trace import Placed


class Fit(IntEnum):
    """How surely a COPY puts a file at a place, the surest first."""

    NAMED = auto()
    PATTERN = auto()
    FOLDER = auto()
    """Its source may be a folder that has the file in it."""

    HARDLY = auto()
    """The same, and the source has the name of a file: `COPY config.toml ./`."""


def sources(placed: Placed) -> list[str]:
    """Return what a COPY names as its sources."""
    return [expand(unquote(word), placed.environment) for word in placed.instruction.values[:-1]]


def _destination(placed: Placed) -> tuple[str, bool]:
    """Return where a COPY goes, and whether that is surely a folder."""
    word = expand(unquote(placed.instruction.values[-1]), placed.environment)
    folder = word.endswith("/") or word in {".", ".."} or len(placed.instruction.values) > 2  # noqa: PLR2004 - one source
    return posixpath.normpath(posixpath.join(placed.directory, word)), folder


def came_from(placed: Placed, source: str, path: str) -> tuple[str, Fit] | None:
    """Return which file of the source a COPY puts at `path`, and how surely, or None if it puts none there."""
    destination, folder = _destination(placed)
    if path == destination and not folder:
        return source, Fit.NAMED
    prefix = destination.rstrip("/") + "/"
    if not path.startswith(prefix):
        return None
    below = path[len(prefix) :]
    base = posixpath.basename(source)
    if any(character in base for character in "*?["):
        found = posixpath.join(posixpath.dirname(source), below)
        return (found, Fit.PATTERN) if fnmatch.fnmatchcase(below, base) else None
    # A file copied into a folder keeps its name; otherwise the source is a folder whose content is copied.
    if base == below:
        return source, Fit.NAMED
    return posixpath.join(source, below), Fit.HARDLY if "." in base.lstrip(".") else Fit.FOLDER


def goes_to(placed: Placed, pattern: str, source: str) -> str | None:
    """Return where a COPY puts a file of the context, or None if it does not bring it."""
    destination, folder = _destination(placed)
    cleaned = posixpath.normpath(pattern.lstrip("/") or ".")
    if fnmatch.fnmatchcase(source, cleaned):
        return posixpath.join(destination, posixpath.basename(source)) if folder else destination
    if cleaned == ".":
        return posixpath.join(destination, source)
    if source.startswith(cleaned + "/"):
        return posixpath.join(destination, source[len(cleaned) + 1 :])
    return None
