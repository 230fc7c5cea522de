"""What the host has compiled of dependencies, as it was then: cargo looks at time stamps, and not into artifacts."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from orchestrator.workspace import Workspace

_MEMO = ("handover", "sums")


class KeptSums:
    """Digests (sha256 hex) and time stamps of artifacts as they were when they had just been compiled.

    Artifacts are named by their paths below the target directory.

    Args:
        workspace: remembers them.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        known = workspace.recall(*_MEMO)
        # Before 2026-12 there was no time stamp beside the digest.
        self._known: dict[str, tuple[str, int]] = {
            path: (str(kept[0]), int(kept[1]))
            for path, kept in (known.items() if isinstance(known, dict) else ())
            if isinstance(kept, list)
        }

    def have(self, sums: Mapping[str, str]) -> bool:
        """Return whether these artifacts have been compiled here: digests by path."""
        return all(path in self._known and self._known[path][0] == digest for path, digest in sums.items())

    def keep(self, sums: Mapping[str, str], target: Path) -> None:
        """Remember what lies in a target directory now, and forget what is there no more."""
        others = {path: kept for path, kept in self._known.items() if (target / path).is_file()}
        now = {path: (digest, (target / path).stat().st_mtime_ns) for path, digest in sums.items()}
        self._known = {**others, **now}
        self._workspace.remember(*_MEMO, self._known)

    def damaged(self, target: Path) -> tuple[str, ...]:
        """Return which artifacts are no longer what was compiled there, though nobody has compiled them since."""
        return tuple(
            path
            for path, (digest, mtime_ns) in self._known.items()
            if (target / path).is_file()
            and (target / path).stat().st_mtime_ns == mtime_ns
            and digest_of(target / path) != digest
        )


def digest_of(file: Path) -> str:
    """Return a file's sha256 as hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
