"""Every cause that the gate's code spells out has a page, so `invoke explain` knows what a verdict can name."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import every_error

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
PAGES = {page.stem for page in (ROOT / "docs/reference/causes").glob("*.md")}


def given() -> Iterator[str]:
    for module in (ROOT / "orchestrator/gate").rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg in {"cause", "refused"}:
                yield from (
                    part.value
                    for part in ast.walk(node.value)
                    if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value.islower()
                )


def test_every_cause_has_a_page() -> None:
    """Those of the checks, and the reasons for which there is no verdict."""
    known = set(given())
    assert len(known) > 50
    assert sorted(known - PAGES) == []
    assert sorted({error.cause for error in every_error()} - PAGES) == []
