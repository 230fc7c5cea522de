"""A corpus case: what its `case.toml` says, and the project that its folder holds."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

BACKENDS = Path(__file__).resolve().parents[2] / "backends"
Guard = Literal["enforce", "observe"]
BINARY = "/usr/local/bin/app"
OWN_FILES = frozenset({"case.toml", "earlier"})
"""What lies in a case's folder and is no part of its project."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run must end in: passed, or refused with a cause and the Dockerfile line to mend."""

    cause: str | None = None
    line: int | None = None
    says: str = ""
    """A part of the stub-free check's message or evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case.

    Attributes:
        says: what happens, in a line.
        taxonomy: ids of docs/explanation's taxonomy.
        prints: what the program that was written prints.
        raw_prints, raw_exit: what the image of the untouched Dockerfile prints, and its exit code (126 and 127: it
            cannot be started).
        raw_age: how many seconds before the build the files of its context were written; None for a time before all.
        sound: whether the untouched Dockerfile ships the program that was written.
        enforce, observe: with the guard in each mode.
        prepare: what has to be there before: `image` (an image of the earlier sources, under this tag), `build` (the
            earlier sources were built before, in the same cache mounts), `target` (a target directory of the host,
            made from the earlier sources, lies in the project), `tool:NAME` (the program lies in the project as
            `tools/NAME`: no base has it), `repository` (a bare git repository of the earlier sources lies in the
            project as `mirror/app.git`).
        spec: merged into the buildspec.
        fails: why the case is known to fail today, by the engine's storage driver (`*` for every one).
    """

    name: str
    says: str
    taxonomy: tuple[str, ...]
    prints: str
    raw_prints: str
    raw_exit: int
    raw_age: int | None
    sound: bool
    enforce: Outcome
    observe: Outcome
    prepare: tuple[str, ...] = ()
    spec: Mapping[str, Any] = field(default_factory=dict)
    fails: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Return where the case lies."""
        return BACKENDS / self.name

    def files(self, *, earlier: bool = False) -> dict[str, bytes]:
        """Return the project's files; those of the sources before, where an `earlier` folder says what differed."""
        found = {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and path.relative_to(self.folder).parts[0] not in OWN_FILES
        }
        if earlier:
            before = self.folder / "earlier"
            found |= {str(path.relative_to(before)): path.read_bytes() for path in before.rglob("*") if path.is_file()}
        return found

    def buildspec(self, *, guard: Guard, tag: str, bases: Mapping[str, Any]) -> str:
        """Return the text of the case's buildspec.yaml."""
        spec: dict[str, Any] = {
            "version": 1,
            "project": self.name,
            "toolchain": {"kind": "cargo"},
            "image": {"tag": tag, "binary": BINARY},
            "bases": bases,
            "stub": {"guard": guard},
            "smoke": {"kind": "job"},
        }
        for key, value in self.spec.items():
            spec[key] = {**spec.get(key, {}), **value} if isinstance(value, dict) else value
        return yaml.safe_dump(spec)

    @property
    def tools(self) -> tuple[str, ...]:
        """Return the programs that its builds put into the build context."""
        return tuple(need.removeprefix("tool:") for need in self.prepare if need.startswith("tool:"))

    @property
    def binary(self) -> str:
        """Return the program's path in the image."""
        return str(self.spec.get("image", {}).get("binary", BINARY))


def read_case(folder: Path) -> Case:
    """Return the case in a folder."""
    said = tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))
    raw = said.get("raw", {})
    return Case(
        name=folder.name,
        says=said["says"],
        taxonomy=tuple(said.get("taxonomy", ())),
        prints=said["prints"],
        raw_prints=said["prints"] if said.get("sound") else raw.get("prints", ""),
        raw_exit=raw.get("exit", 0),
        raw_age=raw.get("age"),
        sound=said.get("sound", False),
        enforce=Outcome(**said.get("enforce", {})),
        observe=Outcome(**said.get("observe", {})),
        prepare=tuple(said.get("prepare", ())),
        spec=said.get("spec", {}),
        fails=said.get("fails", {}),
    )


def every_case() -> list[Case]:
    """Return all cases, by name."""
    return [read_case(path.parent) for path in sorted(BACKENDS.glob("*/case.toml"))]
