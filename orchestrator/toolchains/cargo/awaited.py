"""Which packages from outside the project a build will compile, as cargo resolves them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.engine.process import run
from orchestrator.toolchains.cargo.config import config_files, named_config

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_PACKAGE = re.compile(r"(?P<name>\S+) v(?P<version>\S+)(?: \(proc-macro\))?(?: \((?P<place>[^)]*)\))?")


def awaited_packages(
    cargo: Path, manifest: Path, words: Sequence[str], *, top: Path, environment: Mapping[str, str]
) -> frozenset[str] | None:
    """Return `name version` of each package from a registry or from git that a build needs; None if cargo cannot say.

    Args:
        cargo: whom to ask.
        manifest: the project's Cargo.toml.
        words: the build's, as `cargo_words` returns them; those that choose packages and features count.
        top: the highest folder that belongs to the project.
        environment: cargo's variables.
    """
    asked = run(
        [
            *(str(cargo), "tree", "--offline", "--locked", "--edges=normal,build", "--prefix=none", "--no-dedupe"),
            f"--manifest-path={manifest}",
            *named_config(config_files(manifest.parent, top)),
            *_choosing(words),
        ],
        # Not in the project: configuration of folders above it is not the project's (see config.py).
        cwd=Path("/"),
        environment=environment,
    )
    if asked.exit_code:
        return None
    lines = (line for line in set(asked.stdout.decode(errors="replace").splitlines()) if line)
    return frozenset(label for line in lines if (label := _label(line)) is not None)


def _choosing(words: Iterable[str]) -> list[str]:
    """Return the words that `cargo tree` understands as well."""
    flags = ("--workspace", "--all", "--no-default-features", "--all-features")
    valued = ("--package=", "--exclude=", "--features=", "--target=")
    return [word for word in words if word in flags or word.startswith(valued)]


def _label(line: str) -> str | None:
    found = _PACKAGE.match(line)
    if found is None:
        return None
    place = found["place"]
    # A package of the project has its folder there, one from git its address, one from a registry nothing.
    if place is not None and "://" not in place:
        return None
    return f"{found['name']} {found['version']}"
