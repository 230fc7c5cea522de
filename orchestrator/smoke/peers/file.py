"""A peer's file once it is read: what it asks for, and where each part of it stands."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator

from orchestrator.location import Location
from orchestrator.smoke.transcript import Expectation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.smoke.peers.goss import GossTests
    from orchestrator.smoke.peers.structure import StructureTests

Tests = TypeVar("Tests")
KeyPath = tuple[str | int, ...]
_GO_ONLY = re.compile(r"\\[pPQECX]|\[\[:")
"""What Go's expressions know and Python's do not, or read as something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerFile(Generic[Tests]):
    """One file.

    Attributes:
        name: as the spec names it, or as a file that includes it does.
        content: its text's digest, sha256 hex.
        places: line and column of each value, by its keys.
    """

    name: str
    content: str
    tests: Tests
    places: Mapping[KeyPath, tuple[int, int]]

    def expectation(self, path: KeyPath, name: str, problem: str | None, *, judged: bool = True) -> Expectation:
        """Return what was found for one part of it."""
        line, column = self.place(path)
        return Expectation(name=name, file=self.name, line=line, column=column, problem=problem, judged=judged)

    def place(self, path: KeyPath) -> tuple[int, int]:
        """Return line and column of a value, or of the nearest one around it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, (1, 1))

    def location(self, path: KeyPath) -> Location:
        """Return where a value stands."""
        line, column = self.place(path)
        return Location(file=self.name, line=line, column=column)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerFiles:
    """All files of peers that a plan names."""

    structure: tuple[PeerFile[StructureTests], ...] = ()
    goss: tuple[PeerFile[GossTests], ...] = ()

    @property
    def digest(self) -> str:
        """Return what changes whenever one of them does."""
        files: tuple[PeerFile[Any], ...] = (*self.structure, *self.goss)
        parts = "".join(f"{file.name}\0{file.content}\0" for file in files)
        return hashlib.sha256(parts.encode()).hexdigest()

    @property
    def needs_network(self) -> bool:
        """Return whether one of them asks the program from outside of its container."""
        return any(file.tests.needs_network for file in self.goss)


NO_PEERS = PeerFiles()
"""A plan that names no file of another tool."""


def go_regex(written: str) -> re.Pattern[str]:
    """Return a regular expression of Go's, compiled for `search`.

    Raises:
        ValueError: it is none, or uses what only Go knows.
    """
    foreign = _GO_ONLY.search(written)
    if foreign is not None:
        msg = f"expected a regular expression without {foreign[0]}, which is not supported here"
        raise ValueError(msg)
    try:
        # Without (?m), Go's `$` is the very end of the text; Python's may stand before a last line end.
        ends = re.sub(r"(\\.|\[(?:\\.|[^\]\\])*\])|\$", lambda found: found[1] or r"\Z", written)
        return re.compile(ends.replace(r"\z", r"\Z") if "(?m" not in written else written, re.ASCII)
    except re.error as error:
        msg = f"expected a regular expression; this one is wrong at character {(error.pos or 0) + 1}: {error.msg}"
        raise ValueError(msg) from error


def _checked(value: str) -> str:
    go_regex(value)
    return value


GoRegex = Annotated[str, AfterValidator(_checked)]
"""A regular expression in Go's words, for the whole of a text."""
