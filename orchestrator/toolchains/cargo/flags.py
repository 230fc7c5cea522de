"""Compiler flags of a project, and how to add to them without losing any.

Cargo reads exactly one of CARGO_ENCODED_RUSTFLAGS, RUSTFLAGS, `target.*.rustflags` and `build.rustflags`
(doc.rust-lang.org/cargo/reference/config.html#buildrustflags), so a flag has to be added to the one in force.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """How flags are added: variables to set, and options for cargo."""

    environment: Mapping[str, str]
    options: tuple[str, ...]


def add_rustflags(
    flags: Sequence[str], *, folder: Path, tree: Path, host: str, environment: Mapping[str, str]
) -> Addition:
    """Return how to add flags to those that are in force in a folder.

    Args:
        flags: what to add.
        folder: where cargo runs.
        tree: the source tree; configuration above it is not the project's.
        host: the target triple that is built for.
        environment: the build's variables.
    """
    encoded = environment.get("CARGO_ENCODED_RUSTFLAGS")
    if encoded is not None:
        joined = _SEPARATOR.join([*filter(None, [encoded]), *flags])
        return Addition(environment={"CARGO_ENCODED_RUSTFLAGS": joined}, options=())
    plain = environment.get("RUSTFLAGS")
    if plain is not None:
        joined = _SEPARATOR.join([*plain.split(), *flags])
        return Addition(environment={"CARGO_ENCODED_RUSTFLAGS": joined}, options=())
    # Cargo joins arrays of the command line with those of the configuration files.
    key = f"target.{host}.rustflags" if any(_targets_have_flags(folder, tree)) else "build.rustflags"
    return Addition(environment={}, options=("--config", f"{key}={json.dumps(list(flags))}"))


def _targets_have_flags(folder: Path, tree: Path) -> Iterator[bool]:
    for place in (folder, *folder.parents):
        for name in ("config.toml", "config"):
            path = place / ".cargo" / name
            if path.is_file():
                targets = tomllib.loads(path.read_text(encoding="utf-8")).get("target", {})
                yield any("rustflags" in table for table in targets.values() if isinstance(table, dict))
        if place == tree:
            return
