"""How old a self-test may be."""

from __future__ import annotations

import pytest

from orchestrator.gate.checks.selftest import judge
from orchestrator.verdict import Status

DAY = 86400.0


@pytest.mark.parametrize("last", [None, [], {}, {"at": "yesterday"}, "damaged"])
def test_what_is_no_memory_counts_as_none(last: object) -> None:
    """A damaged memo is no self-test."""
    assert judge(last, within=DAY, now=0.0).cause == "selftest-missing"


def test_age_decides() -> None:
    """On the day it passes, the day after the limit it fails, and both name the age."""
    last = {"at": 0.0, "refused": ["stub", "wrong file"]}
    fresh = judge(last, within=30 * DAY, now=30 * DAY)
    assert fresh.status is Status.PASSED
    assert "30.0 days ago the gate refused stub, wrong file" in fresh.message
    old = judge(last, within=30 * DAY, now=31 * DAY)
    assert (old.status, old.cause) == (Status.FAILED, "selftest-too-old")
    assert "31.0 days" in old.message
