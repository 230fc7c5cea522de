"""Sources of the project that take something of the build's surroundings into the program."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from orchestrator.location import Location
from orchestrator.repro.advice import Advice
from orchestrator.toolchains.cargo.impure import Dependence, compile_time_impurities, program_impurities

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from orchestrator.toolchains.cargo.impure import Impurity
    from orchestrator.toolchains.cargo.project import CargoProject

_SCRIPT = "custom-build"
_MACRO = "proc-macro"
_PROGRAM = frozenset({"lib", "rlib", "bin", "cdylib", "staticlib"})
_WHAT = {
    Dependence.CLOCK: ("timestamp", "the time of the build gets in", "take SOURCE_DATE_EPOCH where it is set"),
    Dependence.COMMIT: (
        "commit-id",
        "the repository is asked, which the image does not have",
        "hand the commit to both sides: `inputs: {COMMIT: ${source.commit}}` in the spec, `env::var` in the script",
    ),
    Dependence.MACHINE: (
        "baked-value",
        "who builds, or on which machine, gets in",
        "leave it out, or hand one value to both sides through `inputs` in the spec",
    ),
    Dependence.RANDOM: (
        "nondeterminism",
        "something else comes out of every build",
        "use a fixed seed, or sort what comes out of a map",
    ),
    Dependence.FOLDER: (
        "manifest-dir",
        "the folder of the build gets in, which `--remap-path-prefix` does not reach",
        "use `include_str!` or a path that is known when the program runs; this tool's own builds have one folder",
    ),
}


def source_advice(project: CargoProject, files: Sequence[str], read: Callable[[str], str]) -> Iterator[Advice]:
    """Yield what the project's own sources take in.

    Args:
        project: its members, with the first files of their crates.
        files: paths of all sources, relative to the source tree.
        read: returns a file's text.
    """
    for member in project.members:
        roots = {kind: path for kind, path in member.roots if kind in {_SCRIPT, _MACRO}}
        script = roots.get(_SCRIPT)
        if script is not None and script in files:
            for impurity in compile_time_impurities(read(script)):
                yield _advice(script, impurity, "build script")
        for folder in sorted({posixpath.dirname(path) for kind, path in member.roots if kind in {*_PROGRAM, _MACRO}}):
            below = f"{folder}/" if folder else ""
            for file in files:
                if file.startswith(below) and file.endswith(".rs") and file != script and _of_crate(file, folder):
                    asked = compile_time_impurities if _MACRO in roots else program_impurities
                    for impurity in asked(read(file)):
                        yield _advice(file, impurity, "macro" if _MACRO in roots else "crate")


def _of_crate(file: str, folder: str) -> bool:
    """Return whether a file belongs to the programs of a crate, and not to its tests, or to another crate below it."""
    inner = posixpath.relpath(file, folder or ".").split("/")
    return inner[0] not in {"tests", "benches", "examples", "target"} and "src" not in inner[:-1]


def _advice(file: str, impurity: Impurity, kind: str) -> Advice:
    cause, what, repair = _WHAT[impurity.dependence]
    return Advice(
        cause="out-dir" if "OUT_DIR" in impurity.found else cause,
        location=Location(file=file, line=impurity.line, column=impurity.column),
        found=f"`{impurity.found}` in a {kind}: {what}",
        repair=repair,
    )
