"""Variables and files that a target directory was built with, when it is used again with others.

Cargo runs a build script again only for variables that it declares (`cargo::rerun-if-env-changed`), and many declare
none of those that they read, nor those of the compiler that they call: gcc and clang take `__DATE__` and `__TIME__`
from SOURCE_DATE_EPOCH. So where a value is another than last time, the runs in which it may have got in are
forgotten, and cargo makes them anew with all that depends on them, as an image does in a fresh layer.

It is the same with files: what a build script or a macro reads without declaring it (`include_dir!`, `sqlx::migrate!`)
changes, and cargo finds all of it fresh. Where a file that a build has read, and that no dep-info names, is another one
now, the project's own packages are compiled anew.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
import shutil
from typing import TYPE_CHECKING

from orchestrator.atomic import write_atomically
from orchestrator.toolchains.cargo.script_variables import asked_for

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

EPOCH = "SOURCE_DATE_EPOCH"
_NOTE = ".twinbuild-variables"
_DECLARED = ".twinbuild-declared"
_OBJECTS = frozenset({".a", ".o"})
_HASH = re.compile("[0-9a-f]{16}")
_CARGOS_OWN = frozenset({"Cargo.toml", "Cargo.lock", "rust-toolchain", "rust-toolchain.toml"})
"""Cargo reads them itself in every build, and its fingerprints hold what they say."""


def heed_files(target: Path, looked_at: Iterable[str], packages: Iterable[str]) -> None:
    """Forget what is compiled of the project, where something that cargo does not know of has got in and changes.

    To be called before it changes, so that a run that is killed in between is no way around it.

    Args:
        target: the target directory.
        looked_at: the files that change, and the folders in which one comes or goes, that a build has looked at;
            relative to the source tree.
        packages: names of the packages that are compiled from it.
    """
    declared = _noted(target / _DECLARED)
    known = {str(path) for path in declared} if isinstance(declared, list) else set()
    if all(_cargo_knows(path, known) for path in looked_at):
        return
    for package in packages:
        for unit in (*target.glob(f"*/.fingerprint/{package}-*"), *target.glob(f"*/*/.fingerprint/{package}-*")):
            if _HASH.fullmatch(unit.name.removeprefix(f"{package}-")):
                shutil.rmtree(unit)


def note_declared(target: Path, declared: Sequence[str]) -> None:
    """Note what cargo itself watches of the source tree, by the dep-info of the program that it has just built."""
    note = target / _DECLARED
    if _noted(note) != list(declared):
        write_atomically(note, json.dumps(declared).encode())


def _cargo_knows(path: str, declared: Collection[str]) -> bool:
    """Return whether cargo compiles again by itself what has to do with a path."""
    name = posixpath.basename(path)
    if name in _CARGOS_OWN or name.endswith(".rs") or ".cargo" in path.split("/"):
        return True
    return any(path == each or path.startswith(f"{each}/") for each in declared)


def _noted(note: Path) -> object:
    try:
        found: object = json.loads(note.read_bytes())
    except (OSError, ValueError):
        return None
    return found


def heed_variables(target: Path, variables: Mapping[str, str], names: Iterable[str]) -> None:
    """Forget what was built with other values.

    Args:
        target: the target directory.
        variables: cargo's.
        names: those of the Dockerfile's steps; SOURCE_DATE_EPOCH is heeded as well.
    """
    # Digests: a value may be a secret, and cargo's caches are copied around.
    now = {name: hashlib.sha256(variables[name].encode()).hexdigest() for name in {EPOCH, *names} if name in variables}
    note = target / _NOTE
    said = _noted(note)
    before = said if isinstance(said, dict) else {}
    if now == before:
        return
    changed = {name for name in now.keys() | before.keys() if now.get(name) != before.get(name)}
    for output in tuple(_outputs(target, changed)):
        output.unlink(missing_ok=True)
    note.write_text(json.dumps(now), encoding="utf-8")


def _outputs(target: Path, changed: Collection[str]) -> Iterator[Path]:
    """Yield what is kept of the runs of build scripts that the variables may have got into.

    Without what a script printed, cargo runs it again and compiles what depends on it; without the run's fingerprint
    alone it would do the former only (cargo 1.95, core/compiler/fingerprint).
    """
    for output in target.glob("**/build/*/output"):
        folder = output.parent
        compiled = EPOCH in changed and _left_objects(folder / "out")
        if compiled or asked_for(folder.parent, folder.name.rpartition("-")[0], changed):
            yield output


def _left_objects(out: Path) -> bool:
    return any(file.suffix in _OBJECTS for file in out.rglob("*"))
