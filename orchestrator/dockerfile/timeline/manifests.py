"""Local crates and their targets, read from manifests without cargo.

Cargo is the authority on manifests, and a run asks it. A linter has to answer for a thousand Dockerfiles in seconds and
on machines without cargo, so it reads what it needs itself; what it does not find, it does not claim.
"""

from __future__ import annotations

import fnmatch
import posixpath
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

_LARGEST = 1024 * 1024
_MOST_PACKAGES = 500
_HOLDERS = frozenset({"dependencies", "build-dependencies", "patch"})
_TEST_HOLDERS = frozenset({"dev-dependencies"})
_ALL_HOLDERS = _HOLDERS | _TEST_HOLDERS
SKIPPED = frozenset({"target", ".git", "node_modules", ".twinbuild"})
"""Folders that hold no sources of the project."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a package builds. `kind`: bin, lib, build, example. `path`: of its root file, relative to the context."""

    kind: str
    name: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A local crate. `folder`: relative to the context, `.` for itself. `depends`: folders of its path dependencies.

    `tests_with`: folders of those that its tests alone depend on, whose manifests cargo reads all the same.
    `watches`: whether its build script says what it reads (`rerun-if-changed`); None without a build script.
    """

    name: str
    folder: str
    targets: tuple[Target, ...]
    depends: tuple[str, ...]
    tests_with: tuple[str, ...]
    watches: bool | None

    def of_kind(self, kind: str) -> tuple[Target, ...]:
        """Return its targets of a kind."""
        return tuple(target for target in self.targets if target.kind == kind)


def relative(place: Path, folder: Path) -> str:
    """Return a path relative to a folder, with forward slashes."""
    return posixpath.normpath(place.relative_to(folder).as_posix())


@lru_cache(maxsize=256)
def read_packages(folder: Path, manifest: str | None, named: tuple[str, ...] = ()) -> tuple[Package, ...]:
    """Return the crates of a workspace and their path dependencies, by folder in the order found.

    Args:
        folder: the build context.
        manifest: the workspace's, relative to it; None: the first one that is found.
        named: folders of further crates, which need not belong to it.
    """
    waiting = [posixpath.dirname(manifest) or "."] if manifest else list(_roots(folder))
    waiting += named
    shared: dict[str, str] = {}
    seen: dict[str, Package | None] = {}
    while waiting and len(seen) < _MOST_PACKAGES:
        place = waiting.pop(0)
        if place in seen or place.startswith(("..", "/")):
            continue
        table = _manifest(folder / place / "Cargo.toml")
        if table is None:
            continue
        shared |= {name: posixpath.normpath(posixpath.join(place, path)) for name, path in _shared(table)}
        depends, tests_with = (_below(place, table, shared, holders) for holders in (_HOLDERS, _TEST_HOLDERS))
        seen[place] = _package(folder, place, table, depends, tests_with)
        waiting += [*_members(folder, place, table), *depends, *tests_with]
    return tuple(package for package in seen.values() if package is not None)


def _below(place: str, table: dict[str, Any], shared: dict[str, str], holders: Collection[str]) -> tuple[str, ...]:
    """Return the folders of the path dependencies that a manifest has in tables of some names."""
    own = (posixpath.normpath(posixpath.join(place, path)) for path in _paths(table, holders))
    inherited = (shared[name] for name in _inherited(table, holders) if name in shared)
    return tuple(dict.fromkeys((*own, *inherited)))


def _roots(folder: Path) -> Iterator[str]:
    if (folder / "Cargo.toml").is_file():
        yield "."
        return
    try:
        below = sorted(child.name for child in folder.iterdir() if (child / "Cargo.toml").is_file())
    except OSError:
        return
    yield from (name for name in below if name not in SKIPPED)


def _members(folder: Path, place: str, table: dict[str, Any]) -> Iterator[str]:
    workspace = table.get("workspace")
    if not isinstance(workspace, dict):
        return
    excluded = [str(each).rstrip("/") for each in _list(workspace.get("exclude"))]
    for pattern in _list(workspace.get("members")):
        if not isinstance(pattern, str) or pattern.startswith("/") or ".." in pattern:
            continue
        try:
            found = sorted((folder / place).glob(pattern)) if pattern.strip("./") else []
        except (ValueError, NotImplementedError, OSError):
            continue
        for child in found[:_MOST_PACKAGES]:
            name = relative(child, folder)
            if (child / "Cargo.toml").is_file() and not any(fnmatch.fnmatchcase(name, each) for each in excluded):
                yield name


def _package(
    folder: Path, place: str, table: dict[str, Any], depends: tuple[str, ...], tests_with: tuple[str, ...]
) -> Package | None:
    own = table.get("package")
    name = own.get("name") if isinstance(own, dict) else None
    if not isinstance(own, dict) or not isinstance(name, str):
        return None
    targets = tuple(_targets(folder, place, name, table, own))
    script = next((target for target in targets if target.kind == "build"), None)
    text = read_text(folder / script.path) if script else None
    return Package(
        name=name,
        folder=place,
        targets=targets,
        depends=depends,
        tests_with=tests_with,
        watches=None if script is None else "rerun-if-" in (text or ""),
    )


def _targets(folder: Path, place: str, name: str, table: dict[str, Any], own: dict[str, Any]) -> Iterator[Target]:
    def at(path: str) -> str:
        return posixpath.normpath(posixpath.join(place, path))

    build = own.get("build", "build.rs")
    if isinstance(build, str) and (folder / at(build)).is_file():
        yield Target(kind="build", name="build-script-build", path=at(build))
    given = table.get("lib")
    library = given if isinstance(given, dict) else {}
    path = at(str(library.get("path", "src/lib.rs")))
    if (folder / path).is_file():
        yield Target(kind="lib", name=str(library.get("name", name.replace("-", "_"))), path=path)
    named = list(_named_bins(folder, place, table))
    yield from named
    seen = {part for target in named for part in (target.name, target.path)}
    for found, guess in _found_bins(folder, place, name) if own.get("autobins") is not False else ():
        if found not in seen and at(guess) not in seen:
            yield Target(kind="bin", name=found, path=at(guess))
    for child in _children(folder / place / "examples"):
        yield Target(kind="example", name=child.stem, path=at(f"examples/{child.name}"))


def _named_bins(folder: Path, place: str, table: dict[str, Any]) -> Iterator[Target]:
    for entry in _list(table.get("bin")):
        if isinstance(entry, dict) and isinstance(name := entry.get("name"), str):
            guesses = [entry.get("path"), f"src/bin/{name}.rs", f"src/bin/{name}/main.rs", "src/main.rs"]
            paths = [posixpath.normpath(posixpath.join(place, guess)) for guess in guesses if isinstance(guess, str)]
            chosen = next((path for path in paths if (folder / path).is_file()), paths[-1])
            yield Target(kind="bin", name=name, path=chosen)


def _found_bins(folder: Path, place: str, name: str) -> Iterator[tuple[str, str]]:
    if (folder / place / "src/main.rs").is_file():
        yield name, "src/main.rs"
    for child in _children(folder / place / "src/bin"):
        if child.suffix == ".rs":
            yield child.stem, f"src/bin/{child.name}"
        elif (child / "main.rs").is_file():
            yield child.name, f"src/bin/{child.name}/main.rs"


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _paths(table: dict[str, Any], holders: Collection[str]) -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, dict):
            if key in holders:
                yield from (each["path"] for each in _tables(value) if isinstance(each.get("path"), str))
            elif key not in _ALL_HOLDERS:
                yield from _paths(value, holders)


def _shared(table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (name, path) of the crates that a workspace's members may depend on by their name alone."""
    workspace = table.get("workspace")
    named = workspace.get("dependencies") if isinstance(workspace, dict) else None
    for name, each in (named if isinstance(named, dict) else {}).items():
        if isinstance(each, dict) and isinstance(each.get("path"), str):
            yield name, each["path"]


def _inherited(table: dict[str, Any], holders: Collection[str]) -> Iterator[str]:
    """Yield what a package depends on with `name.workspace = true`."""
    for key, value in table.items():
        if not isinstance(value, dict) or key == "workspace":
            continue
        if key in holders:
            yield from (name for name, each in value.items() if isinstance(each, dict) and each.get("workspace"))
        elif key not in _ALL_HOLDERS:
            yield from _inherited(value, holders)


def _tables(table: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for value in table.values():
        if isinstance(value, dict):
            yield value
            yield from _tables(value)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _manifest(path: Path) -> dict[str, Any] | None:
    text = read_text(path)
    try:
        return None if text is None else tomllib.loads(text)
    except (ValueError, RecursionError):
        # Cargo has words of its own for a damaged manifest; here it only means that nothing is known.
        return None


def read_text(path: Path) -> str | None:
    """Return a file's text; None where it is missing, too large, or no text."""
    try:
        if path.stat().st_size > _LARGEST:
            return None
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, ValueError):
        return None
