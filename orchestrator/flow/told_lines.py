"""Where lines of the text that a build was planned with become the user's: what is judged is told to people.

Until here a line says which step is meant. From here on steps that are ONBUILD triggers of one base have the line of
the FROM that brings them, and are told apart by their text.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.dockerfile.lines import Lines
    from orchestrator.gate.checks.stub_free import PlacedCall, ShippedFacts


def in_the_users_lines(facts: ShippedFacts, lines: Lines) -> ShippedFacts:
    """Return the facts with the lines that they are told with."""
    if not lines.inherited:
        return facts
    told = lines.told
    brought, control, packed = facts.brought, facts.control, facts.packed_as
    return replace(
        facts,
        calls=tuple(_call(placed, lines) for placed in facts.calls),
        cargo_lines=tuple(map(told, facts.cargo_lines)),
        linking_lines=tuple(map(told, facts.linking_lines)),
        unwitnessed_lines=tuple(map(told, facts.unwitnessed_lines)),
        copies=tuple(map(told, facts.copies)),
        idle_lines=tuple(map(told, facts.idle_lines)),
        mounts=_mounts(facts.mounts, lines),
        brought=None if brought is None else replace(brought, line=_known(brought.line, lines)),
        triggers=None if facts.triggers is None else (told(facts.triggers[0]), facts.triggers[1]),
        changes=tuple((told(line), tool) for line, tool in facts.changes),
        launch=None if facts.launch is None else (told(facts.launch[0]), facts.launch[1]),
        # Of several steps that are told as one, the last one's words count.
        logs={told(line): text for line, text in sorted(facts.logs.items())},
        control=None if control is None else replace(control, line=told(control.line)),
        packed_as=None if packed is None else replace(packed, line=told(packed.line)),
        inherited={trigger.line: trigger.image for trigger in lines.inherited.values() if not trigger.own},
    )


def _call(placed: PlacedCall, lines: Lines) -> PlacedCall:
    if placed.line is None:
        return placed
    trigger = lines.trigger(placed.line)
    text = None if trigger is None else trigger.shown
    return replace(placed, line=lines.told(placed.line), trigger=text)


def _mounts(mounts: Mapping[int, Sequence[str]], lines: Lines) -> dict[int, tuple[str, ...]]:
    merged: dict[int, tuple[str, ...]] = {}
    for line, targets in mounts.items():
        told = lines.told(line)
        merged[told] = (*merged.get(told, ()), *targets)
    return merged


def _known(line: int | None, lines: Lines) -> int | None:
    return None if line is None else lines.told(line)
