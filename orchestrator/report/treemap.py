"""Rectangles whose areas are as large as the things they stand for, as near to squares as they will go.

Bruls, Huizing, van Wijk: Squarified Treemaps, 2000.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Box(NamedTuple):
    """A rectangle, in whatever unit the outer one has."""

    x: float
    y: float
    width: float
    height: float

    @property
    def area(self) -> float:
        """Return its area."""
        return self.width * self.height


def lay_out(sizes: Sequence[float], outer: Box) -> list[Box]:
    """Divide a rectangle.

    Args:
        sizes: of the things, none negative; in this order they are laid out from the upper left corner on.
        outer: the rectangle to fill.

    Returns:
        A rectangle for each size; one without area where the size is zero.
    """
    total = sum(sizes)
    if total <= 0:
        return [Box(outer.x, outer.y, 0.0, 0.0) for _ in sizes]
    areas = [size * outer.area / total for size in sizes]
    found: list[Box] = []
    rest, position = outer, 0
    while position < len(areas):
        row = _row(areas[position:], min(rest.width, rest.height))
        boxes, rest = _placed(row, rest)
        found += boxes
        position += len(row)
    return found


def _row(areas: Sequence[float], side: float) -> Sequence[float]:
    """Return as many areas as stand along a side without getting longer than they need to be."""
    count = 1
    while count < len(areas) and _worst(areas[: count + 1], side) <= _worst(areas[:count], side):
        count += 1
    return areas[:count]


def _worst(row: Sequence[float], side: float) -> float:
    total = sum(row)
    if not total or not side or not min(row):
        return 0.0 if total == 0 else float("inf")
    thickness = total / side
    return max(max(thickness * thickness / area, area / (thickness * thickness)) for area in row)


def _placed(row: Sequence[float], rest: Box) -> tuple[list[Box], Box]:
    """Put a row along the shorter side; return its rectangles and what is left."""
    total, boxes = sum(row), []
    if rest.width >= rest.height:
        thickness, y = (total / rest.height if rest.height else 0.0), rest.y
        for area in row:
            height = area / thickness if thickness else 0.0
            boxes.append(Box(rest.x, y, thickness, height))
            y += height
        return boxes, Box(rest.x + thickness, rest.y, max(rest.width - thickness, 0.0), rest.height)
    thickness, x = total / rest.width, rest.x
    for area in row:
        width = area / thickness if thickness else 0.0
        boxes.append(Box(x, rest.y, width, thickness))
        x += width
    return boxes, Box(rest.x, rest.y + thickness, rest.width, max(rest.height - thickness, 0.0))
