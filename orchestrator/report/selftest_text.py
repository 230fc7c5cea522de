"""What a person reads of a self-test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.report.figures import duration
from orchestrator.verdict import VerdictStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.gate.trial import SelfTest, Trial
    from orchestrator.report.style import Style


def render_selftest(made: SelfTest, style: Style) -> str:
    """Return a line for each wrong program, and whether the gate can be trusted."""
    return style.shown("".join(f"{line}\n" for line in _lines(made, style)))


def _lines(made: SelfTest, style: Style) -> Iterator[str]:
    if made.control.status is not VerdictStatus.PASSED:
        yield f"{style.paint('NOT TESTED', 'yellow')}  the project's own image is refused: {made.control.message}"
        yield "  mend that first (`invoke build` says more): a gate that refuses everything proves nothing"
        return
    for trial in made.trials:
        yield from _trial(trial, style)
    yield ""
    if made.passed:
        yield f"{style.paint('PASSED', 'green')}  the gate let the right program through and refused every wrong one"
    else:
        let = ", ".join(trial.plant.name for trial in made.trials if trial.verdict is not None and not trial.refused)
        yield f"{style.paint('FAILED', 'red')}  the gate let through: {let or 'nothing could be tried'}"
        yield "  tighten `smoke.expect` and `parity.accept` in the spec; if that cannot be, report it as a defect"


def _trial(trial: Trial, style: Style) -> Iterator[str]:
    name = f"{trial.plant.name:14}"
    if trial.verdict is None:
        yield f"  {style.sign('-')} {name} not tried: {trial.note}"
        return
    sign, colour, word = ("✓", "green", "refused") if trial.refused else ("✗", "red", "LET THROUGH")
    cause = f" as {trial.verdict.cause}" if trial.verdict.cause else ""
    yield f"  {style.paint(style.sign(sign), colour)} {name} {word}{cause} ({duration(trial.seconds)})"
    yield style.paint(f"    {'':14} {trial.plant.mistake}; by: {', '.join(trial.failed) or 'no check'}", "dim")
