"""The catalogue: a page for every cause, whole, and found by a name that is nearly right."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import UsageError
from orchestrator.parity.cause import CAUSES
from orchestrator.report.catalogue import cause_ids, cause_list, cause_page

PAGES = Path(__file__).resolve().parents[3] / "docs/reference/causes"


@pytest.mark.parametrize("cause", [*CAUSES, "unknown"])
def test_every_cause_has_a_whole_page(cause: str) -> None:
    """Signature, example, repair and source; the title is the id."""
    page = cause_page(PAGES, cause)
    assert page.startswith(f"# {cause}\n\n")
    for heading in ("Signature", "Example", "Repair", "Source"):
        _, found, rest = page.partition(f"## {heading}\n\n")
        assert found
        assert rest.split("##", maxsplit=1)[0].strip()


def test_a_near_miss_is_helped() -> None:
    """An underscore, a slip: the nearest names are offered, and the exit code is that of a usage error."""
    with pytest.raises(UsageError) as error:
        cause_page(PAGES, "strip_debgu")
    assert "did you mean strip-debug" in (error.value.repair or "")
    assert error.value.exit_code == 3


def test_the_list_says_what_each_is() -> None:
    """One line a cause."""
    lines = cause_list(PAGES).splitlines()
    assert [line.split()[0] for line in lines] == list(cause_ids(PAGES))
    assert all(len(line.split()) > 3 for line in lines)
