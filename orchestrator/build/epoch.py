"""SOURCE_DATE_EPOCH in a target directory that is used again.

gcc and clang take `__DATE__` and `__TIME__` from this variable, and build scripts the time that they write. Cargo runs
a script again only for variables that it declares (`cargo::rerun-if-env-changed`), and hardly one declares those of the
compiler that it calls. So where the value is another than last time, the runs in which it may have got in are
forgotten, and cargo makes them anew with all that depends on them, as an image does in a fresh layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

VARIABLE = "SOURCE_DATE_EPOCH"
_NOTE = ".twinbuild-epoch"
_OBJECTS = frozenset({".a", ".o"})


def heed_epoch(target: Path, variables: Mapping[str, str]) -> None:
    """Forget what was built with another SOURCE_DATE_EPOCH than the one in `variables`."""
    value, note = variables.get(VARIABLE, ""), target / _NOTE
    before = note.read_text(encoding="utf-8") if note.exists() else ""
    if value == before:
        return
    for output in tuple(_outputs(target)):
        output.unlink(missing_ok=True)
    note.write_text(value, encoding="utf-8")


def _outputs(target: Path) -> Iterator[Path]:
    """Yield what is kept of the runs of build scripts that the variable may have got into.

    Without what a script printed, cargo runs it again and compiles what depends on it; without the run's fingerprint
    alone it would do the former only (cargo 1.95, core/compiler/fingerprint).
    """
    for output in target.glob("**/build/*/output"):
        folder = output.parent
        if _left_objects(folder / "out") or _asks(folder.parent, folder.name.rpartition("-")[0]):
            yield output


def _left_objects(out: Path) -> bool:
    return any(file.suffix in _OBJECTS for file in out.rglob("*"))


def _asks(build: Path, package: str) -> bool:
    """Return whether a package's build script, as compiled, holds the variable's name."""
    scripts = build.glob(f"{package}-*/build-script-*")
    return any(VARIABLE.encode() in script.read_bytes() for script in scripts if script.is_file())
