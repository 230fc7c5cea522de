"""Variables that a target directory was built with, when it is used again with other values.

Cargo runs a build script again only for variables that it declares (`cargo::rerun-if-env-changed`), and many declare
none of those that they read, nor those of the compiler that they call: gcc and clang take `__DATE__` and `__TIME__`
from SOURCE_DATE_EPOCH. So where a value is another than last time, the runs in which it may have got in are
forgotten, and cargo makes them anew with all that depends on them, as an image does in a fresh layer.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from orchestrator.toolchains.cargo.script_variables import asked_for

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

EPOCH = "SOURCE_DATE_EPOCH"
_NOTE = ".twinbuild-variables"
_OBJECTS = frozenset({".a", ".o"})


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
    try:
        before = json.loads(note.read_bytes())
    except (OSError, ValueError):
        before = {}
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
