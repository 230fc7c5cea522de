"""Each rule's page holds a bad and a good example, and both are what the page says they are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.dockerfile.lint import ALL_RULES
from orchestrator.flow.lint import lint

if TYPE_CHECKING:
    from orchestrator.dockerfile.rules.rule import Finding, Rule

PAGES = Path(__file__).resolve().parents[3] / "docs" / "reference" / "rules"
BLOCK = re.compile(r"^```(?P<language>\w+) (?P<tags>[^\n]+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


def findings_of(rule: Rule, which: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """Lay out a page's example as a project and return what the lint says of it."""
    page = (PAGES / f"{rule.id}.md").read_text(encoding="utf-8")
    for block in BLOCK.finditer(page):
        tags = block["tags"].split()
        if {"bad", "good"} & set(tags) and which not in tags:
            continue
        name = next((tag.removeprefix("file=") for tag in tags if tag.startswith("file=")), "Dockerfile")
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(block["text"].replace("<CR>", "\r").encode())
    monkeypatch.chdir(folder)
    return list(lint(["Dockerfile"], None).findings)


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.id)
def test_bad_example(rule: Rule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bad example is found by its rule, and by no other."""
    found = findings_of(rule, "bad", tmp_path, monkeypatch)
    assert {finding.rule for finding in found} == {rule.id}


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.id)
def test_good_example(rule: Rule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The good example has no finding at all."""
    assert findings_of(rule, "good", tmp_path, monkeypatch) == []


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.id)
def test_page_says_what_the_rule_says(rule: Rule) -> None:
    """A page begins with its rule's name, severity and hazards."""
    head = (PAGES / f"{rule.id}.md").read_text(encoding="utf-8").split("\n\n")[:2]
    hazards = f", hazards {', '.join(rule.covers)}" if rule.covers else ""
    assert head == [f"# {rule.id}", f"**{rule.severity}**{hazards}"]


def test_overview_is_complete() -> None:
    """The overview links every page, and each page belongs to a rule."""
    overview = (PAGES / "README.md").read_text(encoding="utf-8")
    names = {rule.id for rule in ALL_RULES}
    assert set(re.findall(r"\]\(([a-z-]+)\.md\)", overview)) == names
    assert {page.stem for page in PAGES.glob("*.md")} == names | {"README"}
    for rule in ALL_RULES:
        row = next(line for line in overview.splitlines() if line.startswith(f"| [{rule.id}]"))
        assert f"| {rule.severity} |" in row
        assert all(hazard in row for hazard in rule.covers)
