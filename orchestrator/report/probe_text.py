"""What a person reads of a search for the cause: each probe, what it gave, and the conclusion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.probe import Reach
from orchestrator.report.figures import duration
from orchestrator.report.untrusted import visible
from orchestrator.report.width import wrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.parity.probe import Conclusion, Outcome
    from orchestrator.report.style import Style

_LABEL = 10
_WORDS = {
    Reach.FAILED: "✗ the build fails, see the log",
    Reach.NONE: "= the local program",
    Reach.ELSEWHERE: "≠ differs, in other places than the pair",
    Reach.COVERS: "≠ differs wherever the pair does",
    Reach.MEETS: "= the image's program",
}


def render_probe(
    outcomes: Sequence[Outcome], conclusion: Conclusion, style: Style, *, left: str | None, seconds: float
) -> str:
    """Return the screen. `left`: the next factor where the time was over before the end; `seconds`: of this call."""
    return style.shown("".join(f"{line}\n" for line in _lines(outcomes, conclusion, style, left, seconds)))


def _lines(
    outcomes: Sequence[Outcome], conclusion: Conclusion, style: Style, left: str | None, seconds: float
) -> Iterator[str]:
    known: dict[str, str] = {}
    for outcome in outcomes:
        name = f"{outcome.factor.value}{', again' if outcome.number > 1 else ''}"
        took = "remembered" if outcome.remembered else duration(outcome.seconds)
        words = _WORDS[outcome.reach]
        if outcome.number > 1 and outcome.sha256 == known.get(outcome.factor):
            words = "= the program of the build before: it repeats itself"
        known.setdefault(outcome.factor, outcome.sha256)
        yield f"  {name:32}{took:>12}  {outcome.sha256[:12]:12}  {words}"
    yield ""
    yield from _labelled("cause", f"{conclusion.cause}: {conclusion.explanation}", style)
    ruled_out = next((fact.value for fact in conclusion.evidence if fact.label == "ruled out"), None)
    if ruled_out is not None:
        yield from _labelled("ruled out", ruled_out, style)
    yield from _labelled("repair", conclusion.repair, style)
    if left is not None:
        text = f"the time was over after {duration(seconds)}, before {left}; call it again, and it goes on from there"
        yield from _labelled("left", text, style)


def _labelled(label: str, text: str, style: Style) -> Iterator[str]:
    for number, line in enumerate(wrap(visible(text), style.width - _LABEL - 2)):
        yield f"  {label if number == 0 else '':{_LABEL}}{line}"
