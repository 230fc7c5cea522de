"""Cargo's typed messages (`--message-format=json`): what was compiled, what was fresh, what went wrong.

Source: doc.rust-lang.org/cargo/reference/external-tools.html#json-messages.
"""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


_FOREIGN = re.compile(r"(?:^|\()(?:registry|sparse|git)\+")
"""Of a package id: its source, at the start since cargo 1.77 and in brackets before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One error of the compiler.

    Attributes:
        rendered: as cargo shows it, without colours.
        manifest: Cargo.toml of the package that is at fault.
        spans: (file, line, column) that it points at, the innermost macro's first; a file that is not absolute is
            relative to the workspace's root for its members, to the package's folder for other packages.
    """

    rendered: str
    manifest: str
    spans: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencyArtifact:
    """What cargo finished of a package that is no part of the project.

    Attributes:
        package: `name version`.
        kind: of its target (`lib`, `proc-macro`, `custom-build`).
        files: as the build names them.
        fresh: whether it lay there already.
    """

    package: str
    kind: str
    files: tuple[str, ...]
    fresh: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptRun:
    """What the build script of a package that is no part of the project said.

    Attributes:
        package: `name version`.
        folder: its output folder (OUT_DIR).
        libraries: `kind=name` of each that it links.
        searched: folders in which the linker looks for them, without their kind.
    """

    package: str
    folder: str
    libraries: tuple[str, ...]
    searched: tuple[str, ...]


@dataclass(slots=True)
class CargoReport:
    """What a call told so far.

    Attributes:
        packages: whether all of a package was fresh, by `name version`, in the order in which they came.
        executables: path of each program, by the name of its target.
        dependencies, scripts: of packages that come from a registry or from git.
    """

    packages: dict[str, bool] = field(default_factory=dict)
    executables: dict[str, str] = field(default_factory=dict)
    errors: list[Diagnostic] = field(default_factory=list)
    dependencies: list[DependencyArtifact] = field(default_factory=list)
    scripts: list[ScriptRun] = field(default_factory=list)

    @property
    def compiled(self) -> tuple[str, ...]:
        """Return the packages of which something was compiled in this call."""
        return tuple(package for package, fresh in self.packages.items() if not fresh)

    @property
    def fresh(self) -> tuple[str, ...]:
        """Return the packages that were taken as they lay there."""
        return tuple(package for package, fresh in self.packages.items() if fresh)

    def take(self, line: str) -> str | None:
        """Take a line of standard output; return what a person may be shown of it, which may be several lines."""
        message = _message(line)
        if message is None:
            return line or None
        if message["reason"] == "compiler-artifact":
            self._artifact(message)
        elif message["reason"] == "build-script-executed":
            self._script(message)
        elif message["reason"] == "compiler-message":
            return self._diagnostic(message)
        return None

    def _artifact(self, message: dict[str, Any]) -> None:
        package = package_label(message["package_id"])
        self.packages[package] = self.packages.get(package, True) and message["fresh"]
        target = message["target"]
        if message["executable"] and "bin" in target["kind"]:
            self.executables[target["name"]] = message["executable"]
        if _is_foreign(message["package_id"]):
            self.dependencies.append(
                DependencyArtifact(
                    package=package, kind=target["kind"][0], files=tuple(message["filenames"]), fresh=message["fresh"]
                )
            )

    def _script(self, message: dict[str, Any]) -> None:
        if _is_foreign(message["package_id"]):
            self.scripts.append(
                ScriptRun(
                    package=package_label(message["package_id"]),
                    folder=message["out_dir"],
                    libraries=tuple(message["linked_libs"]),
                    searched=tuple(path.rpartition("=")[2] for path in message["linked_paths"]),
                )
            )

    def _diagnostic(self, message: dict[str, Any]) -> str | None:
        said = message["message"]
        rendered = (said["rendered"] or said["message"]).rstrip()
        if said["level"].startswith("error"):
            spans = tuple(_places(said["spans"]))
            self.errors.append(Diagnostic(rendered=rendered, manifest=message["manifest_path"], spans=spans))
        return rendered or None


def package_label(package: str) -> str:
    """Return `name version` of a package id (doc.rust-lang.org/cargo/reference/pkgid-spec.html)."""
    if " " in package:  # Cargo before 1.77: `name version (source)`.
        return " ".join(package.split(" ")[:2])
    place, _, fragment = package.rpartition("#")
    name, separator, version = fragment.rpartition("@")
    return f"{name} {version}" if separator else f"{posixpath.basename(place.partition('?')[0])} {fragment}"


def _is_foreign(package: str) -> bool:
    return _FOREIGN.search(package) is not None


def _message(line: str) -> dict[str, Any] | None:
    # A procedural macro may print to the same stream; what is no message of cargo's is passed on as it is.
    try:
        found = json.loads(line) if line.startswith("{") else None
    except json.JSONDecodeError:
        return None
    return found if isinstance(found, dict) and "reason" in found else None


def _places(spans: list[dict[str, Any]]) -> Iterator[tuple[str, int, int]]:
    for span in spans:
        here: dict[str, Any] | None = span if span["is_primary"] else None
        while here is not None:
            yield here["file_name"], here["line_start"], here["column_start"]
            here = here["expansion"] and here["expansion"]["span"]
