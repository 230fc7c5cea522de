"""What `source:` in the spec accepts."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from orchestrator.settings import RelativePath, Settings


def _pattern(value: str) -> str:
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - most specs have no pattern

    try:
        GitIgnoreSpec.from_lines([value])
    except (ValueError, re.error) as error:
        msg = "expected a pattern in .gitignore syntax"
        raise ValueError(msg) from error
    return value


Pattern = Annotated[str, AfterValidator(_pattern)]
"""A pattern in .gitignore syntax."""


class SourceSettings(Settings):
    """Which files belong to the project."""

    root: RelativePath = "."
    """The folder whose files are built, relative to the spec."""

    exclude: tuple[Pattern, ...] = ()
    """Patterns in .gitignore syntax for files that are no part of the build (documentation, say)."""
