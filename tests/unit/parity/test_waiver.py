"""Waivers: what they let pass, until when, and that nothing hides behind them."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from orchestrator.errors import UsageError
from orchestrator.parity.cause import Likelihood, Suspicion
from orchestrator.parity.policy import ParitySettings, WaiverSettings
from orchestrator.parity.rung import Rung
from orchestrator.parity.waiver import waive

TODAY = date(2026, 6, 1)


def waiver(cause: str = "timestamp", down_to: str = "data", until: str = "2026-12-31") -> WaiverSettings:
    value = {"waivers": [{"cause": cause, "down_to": down_to, "reason": "upstream", "until": until}]}
    return ParitySettings.model_validate(value, strict=False).waivers[0]


def found(*causes: str, likelihood: Likelihood = Likelihood.LIKELY) -> list[Suspicion]:
    return [Suspicion(cause=cause, likelihood=likelihood, explanation="e", repair="r") for cause in causes]


def test_a_waived_cause_passes_down_to_its_rung() -> None:
    """Named, in force, and no worse than was said."""
    assert waive([waiver()], rung=Rung.DATA, suspicions=found("timestamp"), today=TODAY).passes
    assert not waive([waiver()], rung=Rung.CODE, suspicions=found("timestamp"), today=TODAY).passes


def test_a_second_cause_does_not_hide_behind_it() -> None:
    """Every cause that is at least likely must be waived."""
    assert not waive([waiver()], rung=Rung.DATA, suspicions=found("timestamp", "paths"), today=TODAY).passes
    both = [waiver(), waiver("paths")]
    assert waive(both, rung=Rung.DATA, suspicions=found("timestamp", "paths"), today=TODAY).passes


def test_an_unknown_cause_cannot_be_waived() -> None:
    """Nobody knows what that would let pass."""
    guess = found("unknown", likelihood=Likelihood.POSSIBLE)
    assert not waive([waiver("unknown")], rung=Rung.DATA, suspicions=guess, today=TODAY).passes


def test_a_waiver_ends() -> None:
    """Its last day is in force; the day after, the difference fails again and the waiver is named."""
    last = waive([waiver(until="2026-06-01")], rung=Rung.DATA, suspicions=found("timestamp"), today=TODAY)
    over = waive([waiver(until="2026-05-31")], rung=Rung.DATA, suspicions=found("timestamp"), today=TODAY)
    assert (last.passes, over.passes) == (True, False)
    assert [w.cause for w in over.expired] == ["timestamp"]


def test_a_waiver_without_use_is_told() -> None:
    """So that it can be taken out."""
    waived = waive([waiver("paths")], rung=Rung.IDENTICAL, suspicions=(), today=TODAY)
    assert [w.cause for w in waived.unused] == ["paths"]


@pytest.mark.parametrize(
    "change",
    [{"until": "soon"}, {"until": "2026-02-30"}, {"reason": ""}, {"cause": "Time Stamp"}, {"down_to": "perfect"}],
)
def test_a_waiver_is_whole_or_a_mistake(change: dict[str, str]) -> None:
    """A reason, a day that exists, a rung, and an id."""
    value = {"cause": "timestamp", "down_to": "data", "reason": "upstream", "until": "2026-12-31", **change}
    with pytest.raises(ValidationError):
        ParitySettings.model_validate({"waivers": [value]})


def test_a_kind_of_run_has_its_own_rung() -> None:
    """By name; a run that names none is held to `accept`."""
    settings = ParitySettings.model_validate(
        {"accept": "metadata", "policies": {"developer": "paths", "release": "identical"}}, strict=False
    )
    assert settings.under("").accept is Rung.METADATA
    assert settings.under("developer").accept is Rung.PATHS
    assert settings.under("release").accept is Rung.IDENTICAL
    with pytest.raises(UsageError, match="it has: developer, release; did you mean release"):
        settings.under("relase")
