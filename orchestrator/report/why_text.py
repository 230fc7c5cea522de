"""What a person reads of a program's origin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.report.figures import size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.record.facts import CallFacts
    from orchestrator.record.origin import Origin, Sighting
    from orchestrator.report.style import Style

_DIGEST = 12
_RUNS_SHOWN = 3
_INPUTS_SHOWN = 5


def render_origin(origin: Origin, style: Style) -> str:
    """Return who wrote the program, from which sources, and where else its bytes lie."""
    return style.shown("".join(f"{line}\n" for line in _lines(origin, style)))


def _lines(origin: Origin, style: Style) -> Iterator[str]:
    measured = "" if origin.size is None else f"{size(origin.size)}, "
    yield f"{style.paint(origin.name, 'bold')}  {measured}sha256 {origin.sha256[:_DIGEST]}"
    if not origin.sightings:
        yield "  no run of this project has met these bytes: it was built elsewhere, or changed after its build"
        yield "  repair    build it here (`invoke build`), or compare it with what was built: `invoke compare`"
        return
    for sighting in origin.sightings[:_RUNS_SHOWN]:
        yield from _sighting(sighting)
    if origin.sightings[_RUNS_SHOWN:]:
        yield f"  and {len(origin.sightings) - _RUNS_SHOWN} earlier runs"


def _sighting(sighting: Sighting) -> Iterator[str]:
    commit = f", commit {sighting.commit[:_DIGEST]}" if sighting.commit else ""
    yield f"  run {sighting.run}{commit}"
    for call in sighting.wrote:
        yield f"    written by  {_call(call)}"
        yield f"                {_sources(call)}"
    if not sighting.wrote:
        yield "    written by  no witnessed call of cargo in the image"
    for call in sighting.kept:
        yield f"    kept by     {_call(call)}"
    for number, place in enumerate(sighting.places):
        yield f"    {'lies at' if number == 0 else '':10}  {place}"


def _call(call: CallFacts) -> str:
    line = "" if call.line is None else f" at line {call.line}"
    line += "" if call.trigger is None else f" (ONBUILD `{call.trigger}`)"
    failed = f", which failed with {call.exit_code}" if call.exit_code else ""
    earlier = ", in an earlier build" if call.earlier else ""
    return f"`{call.command}`{line}, stage {call.stage}{failed}{earlier}"


def _sources(call: CallFacts) -> str:
    if call.differing:
        more = "" if len(call.differing) <= _INPUTS_SHOWN else f" and {len(call.differing) - _INPUTS_SHOWN} more"
        return f"from other sources than the run's: {', '.join(call.differing[:_INPUTS_SHOWN])}{more} differed"
    return "from the run's sources" + ("" if call.refreshed else ", as far as cargo's time stamps let it see them")
