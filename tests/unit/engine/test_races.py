"""An engine that says "retry" is asked again, and every other answer is what it is."""

from __future__ import annotations

import pytest
from docker.errors import APIError

from orchestrator.engine import races
from orchestrator.engine.races import settled

MOVING = "consistency error: data changed during operation, retry"
"""Engine 28.5 with containerd's image store, of an image that is being removed."""


class Engine:
    """Answers with these errors, one at a time, and then well."""

    def __init__(self, *errors: str) -> None:
        self.errors, self.asked = list(errors), 0

    def ask(self) -> str:
        self.asked += 1
        if self.errors:
            raise APIError("500 Server Error", explanation=self.errors.pop(0))
        return "well"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(races, "_BETWEEN_SECONDS", 0)


def test_it_is_asked_again_until_nobody_changes_it() -> None:
    engine = Engine(MOVING, MOVING)
    assert (settled(engine.ask), engine.asked) == ("well", 3)


def test_any_other_error_is_one() -> None:
    engine = Engine(MOVING, "no such host")
    with pytest.raises(APIError, match="no such host"):
        settled(engine.ask)
    assert engine.asked == 2


def test_it_is_not_asked_for_ever() -> None:
    with pytest.raises(APIError, match="retry"):
        settled(Engine(*[MOVING] * 1000).ask)
