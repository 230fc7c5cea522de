"""The Markdown summary: short, whole, and deaf to what programs printed."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from orchestrator.report.markdown_summary import render
from orchestrator.verdict import CheckResult, Evidence, Status

if TYPE_CHECKING:
    from orchestrator.record import RunRecord

_STEP_SUMMARY_LIMIT = 1024**2
"""What GitHub takes for one step, in bytes."""


def _without_fences(text: str) -> str:
    """Return the text outside of fenced blocks; a fence that is not closed fails."""
    outside, fence = [], None
    for line in text.splitlines():
        marks = re.match(r"(`{3,})(text)?$", line)
        if fence is None and marks and marks[2]:
            fence = marks[1]
        elif fence is not None:
            if marks and not marks[2] and len(marks[1]) >= len(fence):
                fence = None
        else:
            outside.append(line)
    assert fence is None
    return "\n".join(outside)


def test_it_leads_with_the_outcome(passed: RunRecord, refused: RunRecord, failed: RunRecord) -> None:
    """The first line says all that most want to know."""
    firsts = [render(record).decode().splitlines()[0] for record in (passed, refused, failed)]
    assert firsts == ["### ✅ backend: passed", "### ❌ backend: refused", "### ⚠️ backend: no verdict"]


def test_a_refusal_has_cause_line_and_repair(refused: RunRecord) -> None:
    """With the Dockerfile's line quoted and marked."""
    text = render(refused).decode()
    assert "- **Cause:** <code>other-program</code>" in text
    assert "- **Repair:** correct the path in the COPY" in text
    assert ">   42  COPY --from=builder" in text


def test_a_failure_has_the_end_of_the_compilers_words(failed: RunRecord) -> None:
    """In a block of code, as they are."""
    assert "error[E0425]: cannot find value `x` in this scope" in render(failed).decode()


def test_what_the_smoke_plan_asks_is_listed_with_what_fails_first(refused: RunRecord) -> None:
    """Folded away, and each with its place where it stands in a file of its own."""
    text = render(refused).decode()
    rows = text.partition("smoke: 2 of 4 expectations hold, 1 not judged</summary>")[2].splitlines()
    assert rows[4].startswith("| ❌ | file /etc/app.conf\\: mode <code>tests/goss.yaml&#58;3&#58;24</code> |")
    assert "| ✅ | requests GET \\:8080/health | 200 |" in rows


def test_tables_stay_tables(record: RunRecord) -> None:
    """Each row has as many cells as its heading."""
    cells = None
    for line in _without_fences(render(record).decode()).splitlines():
        if not line.startswith("|"):
            cells = None
            continue
        count = len(re.findall(r"(?<!\\)\|", line))
        assert cells in {None, count}, line
        cells = count


def test_hostile_text_stays_text(hostile: RunRecord) -> None:
    """No tag, link, picture, mention or cell of a program's making."""
    text = render(hostile).decode("utf-8")
    outside = _without_fences(text)
    tags = set(re.findall(r"(?<!\\)<(/?\w+)", outside))
    assert tags <= {"code", "/code", "details", "/details", "summary", "/summary", "sub", "/sub"}
    assert not re.search(r"(?<!\\)[\[\]]|(?<!\\)@team|(?<!\\):rocket|(?<!\\)\*\*bold", outside)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)
    assert all(len(re.findall(r"(?<!\\)\|", line)) in {0, 4, 5} for line in outside.splitlines())


def test_a_flood_fits_the_step_summary(refused: RunRecord) -> None:
    """GitHub drops a summary that is too large, and with it the reason."""
    flood = CheckResult(
        id="smoke",
        status=Status.FAILED,
        cause="log-flood",
        message="x" * 100_000,
        evidence=tuple(Evidence(label="line", value="y`" * 50_000) for _ in range(500)),
    )
    content = render(dataclasses.replace(refused, checks=(flood,) * 20))
    assert len(content) < _STEP_SUMMARY_LIMIT
    assert b"480 more facts" in content
