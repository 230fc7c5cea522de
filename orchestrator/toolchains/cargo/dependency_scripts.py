"""What build scripts of dependencies ask that is not the same everywhere, by the sources that cargo unpacked.

A script that asks is no proof: what it learns may stay out of the program (libgit2-sys calls git to fetch a submodule).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.toolchains.cargo.impure import Dependence, compile_time_impurities

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from orchestrator.toolchains.cargo.impure import Impurity
    from orchestrator.toolchains.cargo.lock import LockedPackage

_LARGEST = 1 << 20  # bytes of one script; the longest known, openssl-sys's and aws-lc-sys's, have a tenth of it
_ASKED = frozenset({Dependence.CLOCK, Dependence.COMMIT, Dependence.MACHINE, Dependence.RANDOM})
"""Without folders: a script has to know where it is, to find what it compiles."""
_NOT_THE_MACHINE = ('"HOME"', '"PWD"', '"uname"')
"""Asked to find programs and to tell systems apart, both of which are the same on both sides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptFinding:
    """A place in a dependency's build script. `package`: `name version`; `file`: relative to the package."""

    package: str
    file: str
    impurity: Impurity


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencyScripts:
    """What was found, and how many packages could not be looked at, as cargo has not unpacked them here."""

    found: tuple[ScriptFinding, ...]
    unread: int


def dependency_scripts(packages: Sequence[LockedPackage], homes: Sequence[Path]) -> DependencyScripts:
    """Read the build scripts of packages.

    Args:
        packages: from registries; those from git are left out.
        homes: cargo homes, the first that has a package unpacked counts.
    """
    found: list[ScriptFinding] = []
    unread = 0
    shelves = [shelf for home in homes for shelf in sorted((home / "registry/src").glob("*"))]
    for package in (package for package in packages if package.from_registry):
        folder = _unpacked(shelves, f"{package.name}-{package.version}")
        if folder is None:
            unread += 1
        else:
            found += _findings(f"{package.name} {package.version}", folder)
    return DependencyScripts(found=tuple(found), unread=unread)


def _unpacked(shelves: Sequence[Path], name: str) -> Path | None:
    # The mark is written last, so a folder with it is whole.
    return next((shelf / name for shelf in shelves if (shelf / name / ".cargo-ok").is_file()), None)


def _findings(package: str, folder: Path) -> Iterator[ScriptFinding]:
    name = _script(folder)
    script = folder / name
    if not name or not script.is_file() or script.stat().st_size > _LARGEST:
        return
    for impurity in compile_time_impurities(script.read_text(encoding="utf-8", errors="replace")):
        if impurity.dependence in _ASKED and not any(word in impurity.found for word in _NOT_THE_MACHINE):
            yield ScriptFinding(package=package, file=name, impurity=impurity)


def _script(folder: Path) -> str:
    """Return the build script's path as the manifest names it; cargo writes it out when it packs a crate."""
    try:
        named = tomllib.loads((folder / "Cargo.toml").read_text(encoding="utf-8")).get("package", {}).get("build")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, AttributeError):
        return ""
    return named if isinstance(named, str) else "" if named is False else "build.rs"
