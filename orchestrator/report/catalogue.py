"""The catalogue of causes: one page each, kept as Markdown under docs/reference/causes/."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def cause_ids(folder: Path) -> tuple[str, ...]:
    """Return the ids of all causes that have a page, sorted."""
    return tuple(sorted(page.stem for page in folder.glob("*.md") if page.stem != "README"))


def cause_page(folder: Path, cause: str) -> str:
    """Return a cause's page.

    Raises:
        UsageError: there is no such cause; near ones are named.
    """
    known = cause_ids(folder)
    if cause not in known:
        near = difflib.get_close_matches(cause.replace("_", "-").lower(), known, n=3)
        meant = f"did you mean {' or '.join(near)}? " if near else ""
        raise UsageError(f"there is no cause {cause!r}", repair=f"{meant}`invoke explain` lists them all")
    return (folder / f"{cause}.md").read_text(encoding="utf-8")


def cause_list(folder: Path) -> str:
    """Return all causes, one a line, with the first sentence of their pages."""
    lines = []
    for cause in cause_ids(folder):
        paragraphs = (folder / f"{cause}.md").read_text(encoding="utf-8").split("\n\n")
        first = " ".join(paragraphs[1].split()) if len(paragraphs) > 1 else ""
        lines.append(f"{cause:24} {first.split('. ')[0].rstrip('.')}")
    return "\n".join(lines) + "\n"
