"""Is it the control stub: what the same step makes of a placeholder? `flow/control.py` builds it where it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.gate.checks.stub_free.history import history_of
from orchestrator.gate.checks.stub_free.statement import SHORT, TOUCH, refused
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.gate.checks.stub_free.facts import ShippedFacts
    from orchestrator.gate.checks.stub_free.history import History
    from orchestrator.verdict import CheckResult

_OPEN = frozenset({"changed-after-build", "unwitnessed", "unwitnessed-cargo"})


def leaves_open(cause: str | None, facts: ShippedFacts) -> bool:
    """Return whether an answer leaves open that the program is a stub.

    That no call wrote it does where calls were witnessed; with the guard off it is said of a step that links nothing,
    and where a call has written it, it is known of what.
    """
    return cause in _OPEN or (cause == "never-compiled" and bool(facts.calls) and not history_of(facts).writers)


def does_the_control_stub_match(facts: ShippedFacts, _history: History) -> CheckResult | None:
    """Name a program that is what the step of a line makes of a placeholder, although no witness tells of it."""
    control = facts.control
    if control is None:
        return None
    text = " ".join(control.text.split())
    return refused(
        facts,
        cause="cached-stub",
        message=f"the control stub matches: what the step at line {control.line} makes of `{text}` is {control.how} "
        "the image's program, so it was compiled from a placeholder and kept (suspect: cached stub)",
        line=control.line,
        repair=f"in that step, make the sources newer than the artifacts before cargo looks: {TOUCH}; or call cargo by "
        "its name, and set `stub: {guard: enforce}`, which does it by content",
        evidence=[
            Evidence(
                label="control stub",
                value=f"{control.program.size:,} bytes, sha256 {control.program.sha256[:SHORT]}, {control.how} the "
                "shipped program; another text planted in its place makes another program",
            )
        ],
    )
