"""The negative control: wrong programs in the project's own image, each of which the gate must refuse."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.engine, pytest.mark.cargo]


def test_the_gate_is_seen_to_refuse(hello: Any, engine: Any) -> None:
    """Stub, stale program and wrong file are refused; the spec can ask for that, and no image gets a tag by it."""
    place = hello.folder / "buildspec.yaml"
    place.write_text(place.read_text(encoding="utf-8") + "gate: {require_selftest: 1d}\n", encoding="utf-8")
    before = hello.build()
    assert (before.exit_code, before.cause) == (1, "selftest-missing")
    tested = hello.invoke("selftest", "--spec", "buildspec.yaml")
    assert tested.exit_code == 0, tested.stdout + tested.stderr
    for line in ("stub           refused as", "stale program  refused as", "wrong file     refused as", "PASSED"):
        assert line in tested.stdout
    assert "LET THROUGH" not in tested.stdout
    assert engine.image(hello.tag) is None
    after = hello.build()
    assert after.exit_code == 0, after.record["verdict"]
    assert "the gate refused stub" in after.check("selftest")["message"]


def test_a_refused_project_is_not_tested(hello: Any) -> None:
    """A gate that refuses everything proves nothing: the right program has to pass first."""
    place = hello.folder / "buildspec.yaml"
    place.write_text(place.read_text(encoding="utf-8").replace("hello from", "goodbye from"), encoding="utf-8")
    tested = hello.invoke("selftest", "--spec", "buildspec.yaml")
    assert tested.exit_code == 1
    assert "NOT TESTED" in tested.stdout
