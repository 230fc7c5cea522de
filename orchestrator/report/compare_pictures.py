"""The pictures of a comparison, as SVG: both programs as areas, parts of them as bars, and all functions as one bar.

As in `html_pictures`, places are percentages where letters stand, so that a picture takes the width of the page.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from orchestrator.report.compare_view import Part, State
from orchestrator.report.figures import size
from orchestrator.report.markup import Markup, element
from orchestrator.report.treemap import Box, lay_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.report.compare_view import Share

_NARROWEST, _HEIGHT = 350.0, 320.0
"""Pixels of a map: the width on the narrowest page, which decides what names fit, and the height everywhere."""
_LETTER, _LINE, _STRIP = 7.2, 16.0, 18.0
"""Pixels: width of a letter, height of a line of text, the strip that names what is divided further."""
_MOST_CRATES = 40
_CODE = ".text"
_BAR = 44
_MOST_BARS = 12
_SMALLEST_CELL = 2.0  # pixels; what is smaller cannot be seen
_STATES = {
    State.SAME: "equal",
    State.MOVED: "the same, though it lies elsewhere or leads elsewhere",
    State.OTHER: "other content",
    State.ALONE: "on this side only",
}


def state_key() -> tuple[tuple[str, str], ...]:
    """Return what the colours mean."""
    return tuple((f"part {state.value}", text) for state, text in _STATES.items())


def program_map(side: str, sections: Sequence[Part], crates: Sequence[Part], *, whole: tuple[int, int]) -> Markup:
    """Return what is loaded of one program as areas: its sections, and the code by crate.

    Symbols and debug information are left out: they are most of the file and nothing of what runs.

    Args:
        side: `local` or `image`.
        sections: of both sides, in the order in which they are laid out.
        crates: the same.
        whole: bytes that are loaded of this program and of the larger one; the picture is as large as that.
    """
    share = math.sqrt(whole[0] / whole[1]) if whole[1] else 0.0
    outer = Box(0.0, 0.0, _NARROWEST * share, _HEIGHT * share)
    cells: list[Markup] = []
    mine = [part for part in sections if part.loaded and _size(part, side)]
    for part, box in zip(mine, lay_out([_size(part, side) for part in mine], outer), strict=True):
        code = [crate for crate in crates if _size(crate, side)] if part.name == _CODE else []
        if code and box.height > 2 * _STRIP:
            cells.append(_cell(part.name, part, box, side))
            inner = Box(box.x, box.y + _STRIP, box.width, box.height - _STRIP)
            shown = _summed(code)
            laid = lay_out([_size(crate, side) for crate in shown], inner)
            cells += [
                _cell(crate.name, crate, at, side, inside=True)
                for crate, at in zip(shown, laid, strict=True)
                if at.area
            ]
        else:
            cells.append(_cell(part.name, part, box, side))
    return element(
        "svg", cells, width="100%", height=max(_HEIGHT * share, 1.0), role="img", class_="map",
        aria_label=f"The {side} program, {size(whole[0])}, by section and crate",
    )  # fmt: skip


def bars(parts: Sequence[Part]) -> Markup:
    """Return the parts that are not equal with a bar for each side; those that differ most go first, at most twelve."""
    shown = [part for part in ranked(parts) if part.state is not State.SAME][:_MOST_BARS]
    largest = max((part.larger for part in shown), default=0) or 1
    drawn: list[Markup] = []
    for number, part in enumerate(shown):
        top = number * _BAR
        drawn += [
            element("text", part.name, element("title", part.name), x=0, y=top + 13, class_="name"),
            element("text", told(part), x="100%", y=top + 13, text_anchor="end", class_="digest over"),
            *_pair(part, largest, top + 18),
        ]
    return element("svg", drawn, width="100%", height=_BAR * len(shown), role="img", aria_label="Sizes on both sides",
                   class_="bars")  # fmt: skip


def ranked(parts: Sequence[Part]) -> list[Part]:
    """Return parts in the order of how much they say: those that differ most in size first, equal ones last."""
    return sorted(
        parts, key=lambda part: (part.state is State.SAME, -abs((part.local or 0) - (part.image or 0)), -part.larger)
    )


def told(part: Part) -> str:
    """Return both sizes of a part in words."""
    if part.local is None or part.image is None:
        side, count = ("image", part.image) if part.local is None else ("local", part.local)
        return f"{size(count)}, {side} only"
    change = part.image - part.local
    return f"{size(part.local)}, {change:+,} B" if change else size(part.local)


def function_bar(shares: Sequence[Share]) -> Markup:
    """Return one bar of all code, divided by how functions compare."""
    total = sum(share.size for share in shares) or 1
    drawn: list[Markup] = []
    at = 0.0
    for share in shares:
        # One function in ten thousand must still be seen.
        width = max(100 * share.size / total, 0.6)
        at = min(at, 100 - width)
        title = element("title", f"{share.label}: {share.count:,} functions, {size(share.size)}")
        drawn.append(
            element("rect", title, x=f"{at:.2f}%", y=0, width=f"{width:.2f}%", height=22, class_=_class(share.state))
        )
        at += width
    label = ", ".join(f"{share.count:,} functions {share.label}" for share in shares)
    return element("svg", drawn, width="100%", height=22, role="img", aria_label=label, class_="shares")


def loaded_size(sections: Sequence[Part], side: str) -> int:
    """Return how many bytes of a program's file are loaded."""
    return sum(_size(part, side) for part in sections if part.loaded)


def _size(part: Part, side: str) -> int:
    return (part.local if side == "local" else part.image) or 0


def _class(state: State) -> str:
    return f"part {state.value}"


def _summed(crates: Sequence[Part]) -> list[Part]:
    """Return the largest crates, and one that stands for the others."""
    shown, rest = list(crates[:_MOST_CRATES]), crates[_MOST_CRATES:]
    if rest:
        states = {part.state for part in rest}
        shown.append(
            Part(
                name=f"{len(rest)} more crates",
                local=sum(part.local or 0 for part in rest),
                image=sum(part.image or 0 for part in rest),
                state=State.SAME if states == {State.SAME} else State.OTHER,
            )
        )
    return shown


def _cell(name: str, part: Part, box: Box, side: str, *, inside: bool = False) -> Markup:
    title = f"{name}: {size(_size(part, side))}, {_STATES[part.state]}"
    if box.width < _SMALLEST_CELL or box.height < _SMALLEST_CELL:
        title = ""
    fits = box.width > len(name) * _LETTER + 6 and box.height > _LINE
    return element(
        "svg",
        element("title", title) if title else None,
        element("rect", width="100%", height="100%", class_=f"{_class(part.state)}{' inside' if inside else ''}"),
        element("text", name, x=4, y=13) if fits else None,
        x=f"{100 * box.x / _NARROWEST:.3f}%",
        y=box.y,
        width=f"{100 * box.width / _NARROWEST:.3f}%",
        height=box.height,
    )


def _pair(part: Part, largest: int, top: int) -> Iterator[Markup]:
    for number, count in enumerate((part.local, part.image)):
        y = top + number * 10
        yield element("rect", x=0, y=y, width="100%", height=8, class_="ground", rx=2)
        if count:
            length = max(100 * count / largest, 0.3)
            side = "local" if number == 0 else "image"
            yield element(
                "rect", element("title", f"{side}: {count:,} bytes"), x=0, y=y, width=f"{length:.2f}%", height=8, rx=2,
                class_=_class(part.state),
            )  # fmt: skip
