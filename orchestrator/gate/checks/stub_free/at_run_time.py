"""Is what runs the file that is judged?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.gate.checks.stub_free.statement import build_command, refused

if TYPE_CHECKING:
    from orchestrator.gate.checks.stub_free.facts import ShippedFacts
    from orchestrator.gate.checks.stub_free.history import History
    from orchestrator.verdict import CheckResult


def is_it_built_when_it_runs(facts: ShippedFacts, _history: History) -> CheckResult | None:
    """Refuse an image whose command calls cargo: it would build, or keep a stub, on the machine that runs it."""
    if facts.launch is None:
        return None
    line, command = facts.launch
    return refused(
        facts,
        cause="built-at-run-time",
        message=f"the image's command is `{command}`: the program is built, or found fresh, when a container starts, "
        "so no program in the image is the one that will run (suspect: not really built)",
        line=line,
        repair=f"build in a RUN step (`{build_command(facts)}`) and let the command name the program",
    )
