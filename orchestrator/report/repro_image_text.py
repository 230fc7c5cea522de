"""What `invoke repro --image` says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from orchestrator.report.figures import duration, short
from orchestrator.report.untrusted import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.build.image_difference import ImageDifference
    from orchestrator.build.leftovers import Kind
    from orchestrator.location import Location
    from orchestrator.report.style import Style

_SHOWN = 50
_RANGES_SHOWN = 3


class _Located(Protocol):
    @property
    def difference(self) -> ImageDifference: ...
    @property
    def location(self) -> Location | None: ...
    @property
    def leftover(self) -> Kind | None: ...


def render_repro_image(ids: tuple[str, str], differences: Sequence[_Located], seconds: float, style: Style) -> str:
    """Return the answer: the image's ID, or each difference with its line and its repair."""
    lines = list(_lines(ids, differences, seconds, style))
    return "".join(f"{style.shown(line)}\n" for line in lines)


def repro_image_json(ids: tuple[str, str], differences: Sequence[_Located], seconds: float) -> dict[str, object]:
    """Return the answer for programs."""
    return {
        "images": list(ids),
        "identical": ids[0] == ids[1],
        "seconds": round(seconds, 3),
        "differences": [
            {
                "place": found.difference.place,
                "what": found.difference.what,
                "first": found.difference.first,
                "second": found.difference.second,
                "ranges": [list(span) for span in found.difference.ranges],
                "more_ranges": found.difference.more,
                "location": str(found.location) if found.location else None,
                "repair": found.leftover.repair if found.leftover else None,
            }
            for found in differences
        ],
    }


def _lines(ids: tuple[str, str], differences: Sequence[_Located], seconds: float, style: Style) -> Iterator[str]:
    if ids[0] == ids[1]:
        sign = style.paint("IDENTICAL", "green")
        yield f"{sign}  two builds without a cache gave the image {short(ids[0])} ({duration(seconds)})"
        return
    sign = style.paint("DIFFERENT", "red")
    yield f"{sign}  two builds without a cache gave {short(ids[0])} and {short(ids[1])} ({duration(seconds)})"
    for found in differences[:_SHOWN]:
        yield from (style.cut(line, style.width) for line in _told(found))
    if len(differences) > _SHOWN:
        yield f"  and {len(differences) - _SHOWN} more; --json has all"


def _told(found: _Located) -> Iterator[str]:
    each = found.difference
    where = f"  ({found.location})" if found.location else ""
    yield f"  {one_line(each.place)}: {_what(each)}{where}"
    if each.what != "missing":
        yield f"    {one_line(str(each.first))}"
        yield f"    {one_line(str(each.second))}"
    if found.leftover is not None:
        yield f"    repair: {found.leftover.repair}"


def _what(each: ImageDifference) -> str:
    if each.what == "missing":
        return "only in the first image" if each.first == "there" else "only in the second image"
    if each.what == "field":
        return "field of the configuration"
    if each.what != "content":
        return f"{each.what} differs"
    spans = ", ".join(f"{begin:#x} to {end - 1:#x}" for begin, end in each.ranges[:_RANGES_SHOWN])
    more = len(each.ranges) - _RANGES_SHOWN + each.more
    return f"bytes {spans}" + (f" and {more} more ranges" if more > 0 else "")
