"""Which spec is meant where none is named: that of the project one stands in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SPEC_NAME = "buildspec.yaml"


def default_spec(current: Path, beside: Path) -> Path:
    """Return the spec of the current folder, of the nearest one above it in its repository, or else `beside`.

    Args:
        current: the folder one stands in, absolute.
        beside: the spec beside `tasks.py`.

    Returns:
        its path, relative to the current folder where it lies in it: shorter in messages, and what one would type.
    """
    return _shortened(next(_in_repository(current), beside), current)


def _in_repository(current: Path) -> Iterator[Path]:
    for folder in (current, *current.parents):
        if (folder / SPEC_NAME).is_file():
            yield folder / SPEC_NAME
        if (folder / ".git").exists():
            return
        if not any((above / ".git").exists() for above in folder.parents):
            # Outside of a repository, what lies further up is somebody else's.
            return


def _shortened(path: Path, current: Path) -> Path:
    return path.relative_to(current) if path.is_relative_to(current) else path
