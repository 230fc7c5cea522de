"""The two pictures of the HTML report, as SVG: when each step ran, and how large the three programs are.

Places and widths are percentages, so a picture takes the width that the page has while its letters keep their size.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from orchestrator.report.figures import duration, short, size
from orchestrator.report.lanes import steps_of
from orchestrator.report.markup import Markup, element
from orchestrator.report.untrusted import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.record import ProgramFacts, RunRecord, StepFacts

_LANES = {"source": "Source", "bases": "Bases", "local": "Local build", "image": "Image build", "checks": "Checks"}
_WORTH_A_ROW = 0.01
"""Share of the run's time; shorter steps are summed up, since their bar could not be seen."""

_ROWS = 14
"""At most this many steps of a lane get a row of their own: those that took longest."""

_STEP, _HEAD, _GAP, _AXIS = 34, 24, 10, 24
"""Heights in pixels: a step's row, a lane's heading, the gap after a lane, the time axis."""

_NAME_KEPT = 160
_TICKS = 5
"""About how many marks the time axis has; a narrow page has room for no more."""


def timeline(record: RunRecord) -> Markup | None:
    """Return the picture of both lanes; None where the record does not know when steps began."""
    steps = [step for step in record.steps if step.started is not None]
    if not steps:
        return None
    total = max([record.seconds, *((step.started or 0.0) + (step.seconds or 0.0) for step in steps)]) or 1.0
    drawn: list[Markup] = []
    top = _AXIS
    for lane, title in _LANES.items():
        lane_steps = [step for step in steps_of(record, lane) if step.started is not None]
        if lane_steps:
            top = _lane(drawn, title, lane_steps, total=total, top=top)
    label = f"Timeline of the run: {len(steps)} steps in {duration(record.seconds)}"
    return element(
        "svg", _axis(total, top), drawn, width="100%", height=top, role="img", aria_label=label, class_="timeline"
    )


def sizes(programs: Sequence[ProgramFacts]) -> Markup | None:
    """Return the picture of the three programs, each as long as it is large, coloured by whether it is the host's."""
    largest = max((program.size or 0 for program in programs), default=0)
    if not largest:
        return None
    first = programs[0].sha256
    drawn: list[Markup] = []
    for number, program in enumerate(programs):
        top = number * 52
        same = program.sha256 is not None and program.sha256 == first
        told = f"{program.side}: {size(program.size)}" if program.sha256 else f"{program.side}: no such file"
        drawn += [
            element("text", told, x=0, y=top + 14, class_="name"),
            element("text", short(program.sha256), x="100%", y=top + 14, text_anchor="end", class_="digest"),
            element("rect", x=0, y=top + 21, width="100%", height=16, class_="ground", rx=3),
            element(
                "rect", x=0, y=top + 21, width=f"{100 * (program.size or 0) / largest:.2f}%", height=16, rx=3,
                class_="same" if same else "other",
            ),
        ]  # fmt: skip
    label = "; ".join(f"{program.side} {size(program.size)}" for program in programs)
    return element(
        "svg", drawn, width="100%", height=52 * len(programs), role="img", aria_label=f"Sizes: {label}", class_="sizes"
    )


def _lane(drawn: list[Markup], title: str, steps: Sequence[StepFacts], *, total: float, top: int) -> int:
    """Draw a lane below `top` and return where it ends."""
    drawn.append(element("text", title, x=0, y=top + 16, class_="lane"))
    top += _HEAD
    longest = sorted(steps, key=lambda step: step.seconds or 0.0, reverse=True)[:_ROWS]
    shown = [step for step in steps if step in longest and _stands_out(step, total)]
    for step in shown:
        drawn += _bar(step, total=total, top=top)
        top += _STEP
    rest = [step for step in steps if step not in shown]
    if rest:
        drawn += _rest(rest, total=total, top=top, alone=not shown)
        top += _STEP
    return top + _GAP


def _stands_out(step: StepFacts, total: float) -> bool:
    return step.state in {"failed", "cut-off"} or (step.seconds or 0.0) >= total * _WORTH_A_ROW


def _bar(step: StepFacts, *, total: float, top: int) -> Iterator[Markup]:
    name = one_line(step.name)
    told = f"{duration(step.seconds)} · {name}"
    yield element("text", told[:_NAME_KEPT], element("title", name), x=0, y=top + 13, class_="name")
    yield element("rect", x=0, y=top + 19, width="100%", height=8, class_="ground", rx=2)
    yield _span(step, total=total, top=top, kind="own" if step.own else step.state)


def _rest(steps: Sequence[StepFacts], *, total: float, top: int, alone: bool) -> Iterator[Markup]:
    cached = sum(step.state == "cached" for step in steps)
    spent = sum(step.seconds or 0.0 for step in steps)
    what = f"{len(steps)} {'' if alone else 'more '}short step{'s' if len(steps) > 1 else ''}"
    told = f"{duration(spent)} · {what}" + (f", {cached} of them cached" if cached else "")
    yield element("text", told, x=0, y=top + 13, class_="name dim")
    yield element("rect", x=0, y=top + 19, width="100%", height=8, class_="ground", rx=2)
    for step in steps:
        yield _span(step, total=total, top=top, kind="own" if step.own else step.state)


def _span(step: StepFacts, *, total: float, top: int, kind: str) -> Markup:
    start = min(100.0, 100 * (step.started or 0.0) / total)
    length = min(100.0 - start, max(0.3, 100 * (step.seconds or 0.0) / total))
    return element(
        "rect",
        element("title", f"{one_line(step.name)} ({step.state}, {duration(step.seconds) or 'no time known'})"),
        x=f"{start:.2f}%", y=top + 19, width=f"{length:.2f}%", height=8, rx=2, class_=kind,
    )  # fmt: skip


def _axis(total: float, bottom: int) -> Iterator[Markup]:
    step = _round_step(total / _TICKS)
    for number in range(int(total / step) + 1):
        at = 100 * number * step / total
        # The last mark would be cut off at the right edge.
        anchor = "start" if number == 0 else "end" if at > 92 else "middle"  # noqa: PLR2004 - per cent
        yield element("line", x1=f"{at:.2f}%", y1=_AXIS - 6, x2=f"{at:.2f}%", y2=bottom, class_="tick")
        yield element("text", _mark(number * step), x=f"{at:.2f}%", y=12, text_anchor=anchor, class_="digest")


def _mark(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 60 else duration(seconds).replace(" 00 s", "")  # noqa: PLR2004 - a minute


def _round_step(seconds: float) -> float:
    """Return the next larger step that people count in."""
    if seconds > 60:  # noqa: PLR2004 - whole minutes from there on
        return 60 * _round_step(seconds / 60)
    power = 10.0 ** math.floor(math.log10(max(seconds, 1e-3)))
    return next(round(factor * power, 6) for factor in (1, 2, 5, 10) if factor * power >= seconds * 0.999)
