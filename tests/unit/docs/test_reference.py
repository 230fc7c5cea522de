"""What the reference says is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from orchestrator.errors import every_error

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_every_exit_code_is_documented() -> None:
    """The table lists each error class with its code, and no other."""
    page = (DOCS / "reference/exit-codes.md").read_text(encoding="utf-8")
    rows = {int(code): cause for code, cause in re.findall(r"^\| (\d+) \| `([a-z-]+)` \|", page, re.MULTILINE)}
    assert rows == {error.exit_code: error.cause for error in every_error()}


def test_every_decision_is_listed() -> None:
    """The index of decisions has each record, under its title."""
    index = (DOCS / "adr/README.md").read_text(encoding="utf-8")
    for record in sorted((DOCS / "adr").glob("0*.md")):
        title = record.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        number, _, name = title.partition(" ")
        assert f"[{number}]({record.name}) | {name} |" in index


def test_no_link_is_dead() -> None:
    """Every relative link in the documentation leads to a file."""
    for page in [*DOCS.rglob("*.md"), *DOCS.parent.glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.relative_to(DOCS.parent)}: {target}"
