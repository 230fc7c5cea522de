"""One of the programs that a run compares."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

BASE_MEMO = "base"
"""The kind of evidence that names files of bases (`base_files.py`), which are kept by content as programs are."""


class Side(StrEnum):
    """Where a program was found."""

    LOCAL = "local"
    BUILDER = "builder"
    IMAGE = "image"


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A program, kept by content.

    Attributes:
        sha256: hex.
        size: bytes.
        origin: where it was, for people (`builder:/app/target/release/backend`).
        path: where its content lies on this machine.
    """

    side: Side
    sha256: str
    size: int
    origin: str
    path: Path
