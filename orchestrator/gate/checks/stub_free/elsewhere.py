"""Was it brought here ready-made?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.gate.checks.stub_free.statement import build_command, refused

if TYPE_CHECKING:
    from orchestrator.gate.checks.stub_free.facts import ShippedFacts
    from orchestrator.gate.checks.stub_free.history import History
    from orchestrator.verdict import CheckResult


def was_it_brought_from_elsewhere(facts: ShippedFacts, history: History) -> CheckResult | None:
    """Name a program that is a file of the source, or that comes out of another image."""
    if facts.shipped is None or history.writers:
        return None
    committed = next((path for path, digest in facts.sources.items() if digest == facts.shipped.sha256), None)
    if committed is not None:
        return _committed(facts, history, committed)
    if facts.brought is None or history.keepers:
        return None
    return refused(
        facts,
        cause="pulled-from-elsewhere",
        message=f"the image's program comes ready-made from {facts.brought.source}: no step of this build compiled it "
        "(suspect: not really built)",
        line=facts.brought.line,
        repair=f"build it in a stage of this Dockerfile (`{build_command(facts)}`) and copy it from there",
    )


def _committed(facts: ShippedFacts, history: History, path: str) -> CheckResult:
    keeper = history.keepers[-1] if history.keepers else None
    kept = f"; {keeper.where} found it fresh and kept it" if keeper else ""
    return refused(
        facts,
        cause="committed-artifact",
        message=f"the image's program is the file {path} of the source itself, an artifact that came with the build "
        f"context (suspect: cached stub){kept}",
        line=keeper.line if keeper else facts.brought.line if facts.brought else None,
        repair="keep `target` out of the build context (a line in .dockerignore) and out of version control",
    )
