"""Wrong programs of a project, for the self-test: what a Dockerfile's mistakes would ship, as edits of its sources."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from orchestrator.toolchains.cargo.project import CargoProject, Member

_STUB = b"fn main() {}\n"
_OTHER = b'fn main() {\n    println!("another program");\n}\n'
_EARLIER = b'\n#[used]\nstatic TWINBUILD_EARLIER_STATE: &str = "not the present state of these sources";\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """A wrong program.

    Attributes:
        name: short, for the report.
        mistake: what mistake would ship it.
        edits: new content by path relative to the source tree.
        package, binary: which program is built of that.
    """

    name: str
    mistake: str
    package: str
    binary: str
    edits: Mapping[str, bytes] = field(default_factory=dict)


def plants(project: CargoProject, tree: Path) -> tuple[Plant, ...]:
    """Return the wrong programs that can be tried for a project.

    Args:
        project: as cargo sees it.
        tree: its sources.
    """
    programs = dict.fromkeys(_roots(project, "bin"), _STUB)
    libraries = dict.fromkeys(_roots(project, "lib"), b"")
    shipped = {"package": project.package, "binary": project.binary}
    mains = [path for kind, path in _shipping(project).roots if kind == "bin"]
    found = [
        Plant(
            name="stub",
            mistake="placeholders were compiled to cache the dependencies and never replaced",
            edits={**programs, **libraries},
            **shipped,
        )
    ]
    if libraries:
        found.append(
            Plant(
                name="partial stub",
                mistake="the program is real, its libraries are still the placeholders",
                edits=libraries,
                **shipped,
            )
        )
    earlier = {path: (tree / path).read_bytes() + _EARLIER for path in mains}
    found.append(
        Plant(name="stale program", mistake="an earlier state was taken for fresh", edits=earlier, **shipped),
    )
    found.append(_wrong_file(project, mains))
    return tuple(found)


def _wrong_file(project: CargoProject, mains: list[str]) -> Plant:
    mistake = "COPY takes another program"
    for member in project.members:
        for binary in member.binaries:
            if binary != project.binary:
                return Plant(name="wrong file", mistake=mistake, package=member.name, binary=binary)
    return Plant(
        name="wrong file",
        mistake=mistake,
        package=project.package,
        binary=project.binary,
        edits=dict.fromkeys(mains, _OTHER),
    )


def _shipping(project: CargoProject) -> Member:
    return next(member for member in project.members if member.name == project.package)


def _roots(project: CargoProject, wanted: str) -> Iterator[str]:
    yield from (path for member in project.members for kind, path in member.roots if kind == wanted)
