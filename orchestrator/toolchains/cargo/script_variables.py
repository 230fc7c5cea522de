"""Which variables a build script may read without saying so: those whose name is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


def asked_for(build: Path, package: str, names: Collection[str]) -> set[str]:
    """Return which of these names a package's build script, as compiled, holds.

    Args:
        build: cargo's folder of that name.
        package: the package's name.
        names: of variables.
    """
    scripts = build.glob(f"{package}-*/build-script-*")
    contents = [script.read_bytes() for script in scripts if script.is_file()]
    return {name for name in names if any(name.encode() in content for content in contents)}
