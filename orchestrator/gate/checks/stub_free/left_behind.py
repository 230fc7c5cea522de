"""Was a placeholder still there, or what had been made of one?"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from orchestrator.gate.checks.stub_free.sources import differing, placeholder, sources_differ
from orchestrator.gate.checks.stub_free.statement import build_command, refused
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.gate.checks.stub_free.facts import PlacedCall, ShippedFacts
    from orchestrator.gate.checks.stub_free.history import History
    from orchestrator.verdict import CheckResult

_ROOTS = ("src/main.rs", "src/lib.rs", "build.rs")


def was_a_placeholder_left_behind(facts: ShippedFacts, history: History) -> CheckResult | None:
    """Name a program of a name that no package has: made of a stub file that stayed, or an orphan in the target."""
    if history.writer is None or history.path is None:
        return None
    name = posixpath.basename(history.path)
    if name in facts.programs or "/examples/" in history.path or name == facts.binary:
        return None
    writer = history.writer
    # The last call that had to do with it tells whether the placeholder was still there when the sources were.
    last = history.keeper_after(writer, facts) or writer
    left = [path for path in last.call.sources if path not in facts.sources and _is_root(path)]
    if left and not sources_differ(last.call, facts):
        return _left(facts, last, name, left)
    return None if last is writer and not differing(writer.call, facts) else _orphan(facts, history, writer, name)


def _left(facts: ShippedFacts, last: PlacedCall, name: str, left: Sequence[str]) -> CheckResult:
    return refused(
        facts,
        cause="stub-left-behind",
        message=f"the image's program is `{name}`, which no package of the source has: when {last.where} built the "
        f"real sources, {', '.join(left)} was still there, which an earlier step had left behind (suspect: cached "
        "stub)",
        line=last.line,
        repair=f"remove the placeholders before COPY brings the sources (`rm -rf src`), and copy `{facts.binary}`",
        evidence=[Evidence(label="left behind", value=_described(path, last, facts)) for path in left],
    )


def _orphan(facts: ShippedFacts, history: History, writer: PlacedCall, name: str) -> CheckResult:
    keeper = history.keeper_after(writer, facts)
    since = f"; {keeper.where} left it where it was" if keeper else ""
    return refused(
        facts,
        cause="orphaned-output",
        message=f"the image's program is `{name}`, which no package of the source has: {writer.where} made it of "
        f"placeholders, and no later call builds or removes it{since} (suspect: cached stub)",
        line=facts.copies[0] if facts.copies else writer.line,
        repair=f"let COPY take `{facts.binary}`, which `{build_command(facts)}` makes",
        evidence=[
            Evidence(label="made of", value=_described(path, writer, facts))
            for path in writer.call.sources
            if _is_root(path) and path not in facts.sources
        ],
    )


def _is_root(path: str) -> bool:
    return any(path == root or path.endswith(f"/{root}") for root in _ROOTS) or "src/bin/" in path


def _described(path: str, writer: PlacedCall, facts: ShippedFacts) -> str:
    text = placeholder(writer.call.sources[path], facts)
    return path if text is None else f"{path}: `{' '.join(text.split())}`"
