"""Was it compiled from something else than these sources: placeholders, some placeholders, or an older state?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.gate.checks.stub_free.history import confined_to, is_after
from orchestrator.gate.checks.stub_free.sources import (
    SHOWN,
    difference,
    differing,
    is_source,
    placeholder,
    seen,
    shown,
    sources_differ,
    stale,
)
from orchestrator.gate.checks.stub_free.statement import TOUCH, build_command, line_to_mend, refused
from orchestrator.verdict import Evidence, Status

if TYPE_CHECKING:
    from orchestrator.gate.checks.stub_free.facts import PlacedCall, ShippedFacts
    from orchestrator.gate.checks.stub_free.history import History
    from orchestrator.verdict import CheckResult

_REPAIR = (
    f"in that step, make the sources newer than the artifacts before cargo looks: {TOUCH} && cargo build …; "
    "or set `stub: {guard: enforce}`, which does it by content"
)


_NOT_BUILT = frozenset({"never-compiled", "other-manifest", "other-sources", "stale-build"})


def was_it_compiled_from_a_stub(facts: ShippedFacts, history: History) -> CheckResult | None:
    """Name a program that a call wrote which saw other sources than the snapshot's."""
    writer = history.writer
    if writer is None:
        return None
    paths = differing(writer.call, facts)
    if not paths:
        return None
    cause, what = _kind(facts, writer, paths)
    later = [placed for placed in facts.calls if is_after(placed, writer, facts)]
    failed = later[-1] if later and later[-1].call.exit_code else None
    keeper = history.keeper_after(writer, facts)
    if keeper is not None and not keeper.links and differing(keeper.call, facts):
        # Had it linked, it would not have been this program either.
        keeper = None
    if failed is not None:
        cause, line, then = "swallowed-failure", failed.line, _swallowed(failed)
        repair = "let the failure end the step: no `|| true` behind cargo, and `set -o pipefail` before a pipe"
    elif keeper is not None and not keeper.links:
        cause, line = "never-compiled", keeper.line
        then = f"; {keeper.where} links nothing and left it as it was"
        repair = f"let it build: `{build_command(facts)}`"
    elif keeper is not None and (narrow := confined_to(keeper, facts)):
        cause, line = "narrower-build", keeper.line
        then = f"; {keeper.where} builds {narrow} alone and left it as it was"
        repair = f"build what is shipped: `{build_command(facts)}`"
    elif keeper is not None and cause == "cached-stub" and _placeholders(keeper, facts):
        line = writer.line
        then = f"; {keeper.where} kept it, for what it saw were the placeholders as well"
        repair = _unreplaced(writer)
    else:
        line = keeper.line if keeper else writer.line
        then = f"; {keeper.where} found it fresh and kept it" if keeper else ""
        repair = _REPAIR if keeper else _repair_without_keeper(facts, cause)
    return refused(
        facts,
        cause=cause,
        message=f"the image's program was compiled from {what} by {writer.where} {_suspect(cause)}{then}",
        line=line or line_to_mend(facts),
        repair=repair,
        evidence=tuple(shown(paths, writer.call, facts)),
    )


def may_it_hold_a_stub(facts: ShippedFacts, history: History) -> CheckResult | None:
    """Name a program that was written by a call on these sources which may have kept what was made of others.

    Reached only where the program is not the host's, so something in it is not what was written.
    """
    writer = history.writer
    if writer is None or writer.call.exit_code:
        return None
    kept = stale(writer, facts)
    evidence = [
        Evidence(label="input", value=f"{difference(path, seen(before.call, path), facts)} ({before.where})")
        for path, before in kept[:SHOWN]
    ]
    if not kept:
        return _not_refreshed(facts, writer)
    crates = ", ".join(path for path, _ in kept[:SHOWN])
    return refused(
        facts,
        cause="partial-stub",
        message=f"{writer.where} saw these sources and did not compile all of them: the program is not the host's, and "
        f"what an earlier call had made of {crates} was there and older sources do not replace it (suspect: cached "
        "stub)",
        line=writer.line or line_to_mend(facts),
        repair=_REPAIR,
        evidence=evidence,
    )


def _not_refreshed(facts: ShippedFacts, writer: PlacedCall) -> CheckResult | None:
    if writer.call.refreshed:
        return None
    return refused(
        facts,
        cause="not-refreshed",
        status=Status.UNKNOWN,
        message=f"{writer.where} saw these sources, and whether it compiled all of them is not known: their time "
        "stamps were not made to follow their content, and the program is not the host's",
        line=writer.line or line_to_mend(facts),
        repair="set `stub: {guard: enforce}`; if it is set, the sources cannot be touched there (a read-only mount)",
    )


def _kind(facts: ShippedFacts, writer: PlacedCall, paths: list[str]) -> tuple[str, str]:
    """Return the cause and what the program was compiled from."""
    call = writer.call
    sources = [path for path in facts.inputs if is_source(path)]
    others = [path for path in paths if is_source(path)]
    stubs = _placeholders(writer, facts)
    if call.earlier:
        return "stale-build", "an earlier build's sources"
    if not others:
        return "other-manifest", "these sources under another Cargo.toml or Cargo.lock"
    if not _rebuilt_later(writer, facts) and not stubs:
        return "other-sources", f"other sources than the snapshot's (in {call.workspace})"
    if len(others) < len(sources) and not any(_is_main(path) for path in stubs):
        return "partial-stub", f"placeholders for {len(others)} of {len(sources)} sources"
    return "cached-stub", "placeholder sources"


def _placeholders(placed: PlacedCall, facts: ShippedFacts) -> list[str]:
    """Return the sources that were placeholders when a call was made."""
    paths = differing(placed.call, facts)
    return [path for path in paths if is_source(path) and placeholder(seen(placed.call, path), facts) is not None]


def _unreplaced(writer: PlacedCall) -> str:
    behind = "that step" if writer.line is None else f"line {writer.line}"
    return (
        f"COPY the sources behind {behind}, and let no step after it write over them, as `cargo chef cook` does with "
        "all sources of the project"
    )


def _rebuilt_later(writer: PlacedCall, facts: ShippedFacts) -> bool:
    return any(is_after(placed, writer, facts) and not sources_differ(placed.call, facts) for placed in facts.calls)


def _is_main(path: str) -> bool:
    return path.endswith("src/main.rs") or "/bin/" in path


def _suspect(cause: str) -> str:
    return "(suspect: not really built)" if cause in _NOT_BUILT else "(suspect: cached stub)"


def _swallowed(failed: PlacedCall) -> str:
    return f"; {failed.where} ended with exit code {failed.call.exit_code}, which the step hides"


def _repair_without_keeper(facts: ShippedFacts, cause: str) -> str:
    if cause == "other-sources":
        return "build what is in the build context: COPY the sources, and fetch none of them in a RUN step"
    if cause == "other-manifest":
        return "build with the manifests of the source: COPY them last, and leave them as they are"
    if cause == "stale-build":
        return "leave no `target` cache mount between builds of different sources, or set `stub: {guard: enforce}`"
    return f"build once more when the sources are there: `{build_command(facts)}`"
