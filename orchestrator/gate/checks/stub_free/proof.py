"""Is it proved?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.gate.checks.stub_free.sources import differing
from orchestrator.gate.checks.stub_free.statement import passed, program
from orchestrator.gate.checks.stub_free.wrong_file import is_another_build
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.gate.checks.stub_free.facts import PlacedCall, ShippedFacts
    from orchestrator.gate.checks.stub_free.history import History
    from orchestrator.verdict import CheckResult


def is_it_proved(facts: ShippedFacts, history: History) -> CheckResult | None:
    """Pass a program whose way from the sources is known without a gap."""
    call = next((placed for placed in reversed(history.writers) if proves(placed, facts, history)), None)
    if call is not None:
        return passed(facts, _written(call, facts), _witness(call))
    if facts.shipped is not None and facts.shipped.sha256 == facts.local.sha256:
        return passed(facts, "bit for bit the host's program, which was compiled from these sources")
    return _changed_and_proved(facts)


def proves(placed: PlacedCall, facts: ShippedFacts, history: History) -> bool:
    """Return whether a call proves what it wrote: it saw these sources, freshly stamped, and built what was wanted.

    A call of an earlier build proves as much: a cache mount brings its witness along with what it made.
    """
    call = placed.call
    return (
        call.exit_code == 0
        and call.refreshed
        and not differing(call, facts)
        and not is_another_build(placed, facts, history)
    )


def _changed_and_proved(facts: ShippedFacts) -> CheckResult | None:
    """Pass a program that was changed after the build in what is never loaded."""
    for likeness in facts.likenesses:
        if not likeness.same_content:
            continue
        origin = _origin_of(likeness.sha256, facts)
        if origin is not None:
            tools = ", ".join(f"`{tool}` at line {line}" for line, tool in facts.changes)
            by = f" (by {tools})" if tools else ""
            return passed(
                facts,
                f"changed after the build{by}, and all that is loaded is equal to {likeness.with_}, {origin}: "
                f"{likeness.change}",
                program("host", facts.local),
            )
    return None


def _origin_of(sha256: str, facts: ShippedFacts) -> str | None:
    """Return why a program that is not the shipped one is known to come from these sources."""
    if sha256 == facts.local.sha256:
        return "which was compiled from these sources"
    for placed in facts.calls:
        call = placed.call
        fine = call.exit_code == 0 and call.refreshed and not differing(call, facts)
        if fine and sha256 in call.made.values():
            return f"which {placed.where} wrote from these sources"
    return None


def _written(placed: PlacedCall, facts: ShippedFacts) -> str:
    count = len(facts.inputs)
    same = facts.shipped is not None and facts.shipped.sha256 == facts.local.sha256
    return (
        f"written by {placed.where} from these sources: {count} of {count} inputs witnessed"
        f"{', and bit for bit the program of the host' if same else ''}"
    )


def _witness(placed: PlacedCall) -> Evidence:
    return Evidence(label="witness", value=f"stage {placed.call.stage}, {placed.call.id}")
