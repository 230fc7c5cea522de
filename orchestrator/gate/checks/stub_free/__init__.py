"""Stub-free: the shipped program was compiled from these very sources, and by which call.

Proof is one of three things. A witnessed call of cargo wrote the shipped bytes, after it had read, digest by digest,
the sources of the snapshot, and after their time stamps had been made to follow their content: without that, a call
on the real sources may still have kept the stub of a library. Or the shipped bytes are those of the host's program,
which was compiled from the snapshot. Or they are one of these two with the same loaded content, changed afterwards by
a tool that takes off symbols. Anything else is refused, with one exact statement of what it is instead. Three
suspects stand behind all of these: a cached stub, a program that was never really built, and a wrong file copied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.gate.checks.stub_free import (
    at_run_time,
    control,
    elsewhere,
    left_behind,
    missing,
    packed,
    proof,
    stub,
    unwitnessed,
    wrong_file,
)
from orchestrator.gate.checks.stub_free.facts import Brought, Control, Likeness, Packed, PlacedCall, ShippedFacts
from orchestrator.gate.checks.stub_free.history import history_of
from orchestrator.gate.checks.stub_free.statement import ID

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestrator.gate.checks.stub_free.history import History
    from orchestrator.verdict import CheckResult

__all__ = ["ID", "Brought", "Control", "Likeness", "Packed", "PlacedCall", "ShippedFacts", "is_open", "judge"]

_QUESTIONS: Sequence[Callable[[ShippedFacts, History], CheckResult | None]] = (
    missing.is_it_there,
    at_run_time.is_it_built_when_it_runs,
    proof.is_it_proved,
    elsewhere.was_it_brought_from_elsewhere,
    left_behind.was_a_placeholder_left_behind,
    wrong_file.is_it_another_program,
    wrong_file.was_the_right_one_made_elsewhere,
    stub.was_it_compiled_from_a_stub,
    wrong_file.is_it_another_build,
    stub.may_it_hold_a_stub,
    control.does_the_control_stub_match,
    unwitnessed.was_it_changed_after_the_build,
    unwitnessed.was_it_there_before,
    unwitnessed.is_it_another_file_of_the_stage,
    unwitnessed.was_it_compiled_at_all,
)
"""Asked in this order; the first that has an answer gives it. The last one always has."""


def judge(facts: ShippedFacts) -> CheckResult:
    """Return whether the shipped program is proved to come from the snapshot's sources."""
    history = history_of(facts)
    answers = (question(facts, history) for question in _QUESTIONS)
    answer = next(answer for answer in answers if answer is not None)
    return answer if facts.packed_as is None else packed.of_the_packed(answer, facts, facts.packed_as)


def is_open(facts: ShippedFacts) -> bool:
    """Return whether these facts leave open that the program is a stub, so that a control stub is worth its build."""
    return control.leaves_open(judge(facts).cause, facts)
