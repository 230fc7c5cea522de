"""A file that the dynamic loader has taken in, and who asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.binary.loading.elf import LoaderView


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A file in the order of loading; `parent` is the one that asked for it first."""

    path: str
    view: LoaderView
    parent: Loaded | None


def upwards(loaded: Loaded) -> Iterator[Loaded]:
    """Yield a file, the one that asked for it, and so on to the program."""
    current: Loaded | None = loaded
    while current is not None:
        yield current
        current = current.parent


def chain_of(loaded: Loaded) -> tuple[str, ...]:
    """Return the paths from the program to a file."""
    return tuple(reversed([each.path for each in upwards(loaded)]))
