"""What `source:` in the spec accepts."""

from __future__ import annotations

from orchestrator.settings import RelativePath, Settings


class SourceSettings(Settings):
    """Which files belong to the project."""

    root: RelativePath = "."
    """The folder whose files are built, relative to the spec."""

    exclude: tuple[str, ...] = ()
    """Patterns in .gitignore syntax for files that are no part of the build (documentation, say)."""
