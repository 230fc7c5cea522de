"""The project's own `.cargo/config.toml` files, and no others.

Cargo reads such a file in its working directory and in every folder above it. The tool's copy of a project lies below
the user's, so a plain call would read the user's files too, and those of the home folder: what one machine has would
get into the program. So cargo is called from the root folder, and the project's files are named to it.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from orchestrator.errors import LocalBuildFailedError
from orchestrator.location import Location

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_NAMES = ("config", "config.toml")
"""Cargo takes the first that is there (doc.rust-lang.org/cargo/reference/config.html#hierarchical-structure)."""


def config_files(folder: Path, top: Path) -> tuple[Path, ...]:
    """Return the configuration files between two folders, the one of least precedence first.

    Args:
        folder: where cargo would run.
        top: the highest folder that belongs to the project; `folder` lies in it.
    """
    places = [place for place in (folder, *folder.parents) if place.is_relative_to(top)]
    candidates = ([place / ".cargo" / name for name in _NAMES] for place in reversed(places))
    chosen = (next((file for file in files if file.is_file()), None) for files in candidates)
    return tuple(file for file in chosen if file is not None)


def named_config(files: Sequence[Path]) -> tuple[str, ...]:
    """Return the words that name configuration files to cargo, which is called from elsewhere."""
    return tuple(word for file in files for word in ("--config", str(file)))


def read_config(files: Sequence[Path], *, top: Path) -> dict[str, Any]:
    """Return the configuration that these files make together.

    Args:
        files: as `config_files` returns them.
        top: what locations in errors are relative to.

    Raises:
        LocalBuildFailedError: a file is no TOML.
    """
    merged: dict[str, Any] = {}
    for file in files:
        try:
            merged = _merged(merged, tomllib.loads(file.read_text(encoding="utf-8")))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise LocalBuildFailedError(
                f"cargo's configuration cannot be read: {error}",
                location=Location(file=str(file.relative_to(top))),
                repair="mend the file; cargo would refuse it as well",
            ) from error
    return merged


def text_list(value: object) -> list[str]:
    """Return a setting that cargo takes as an array or as words in one string."""
    if isinstance(value, str):
        return value.split()
    return [str(each) for each in value] if isinstance(value, list) else []


def table(config: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """Return a table by its path; empty where there is none."""
    found: Any = config
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _merged(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    """Join as cargo does: tables key by key, arrays with the higher file's items last, else the higher value."""
    joined = dict(low)
    for key, value in high.items():
        known = joined.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            joined[key] = _merged(known, value)
        elif isinstance(known, list) and isinstance(value, list):
            joined[key] = [*known, *value]
        else:
            joined[key] = value
    return joined
