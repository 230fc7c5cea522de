"""HTML and SVG that cannot be wrong: elements are built, and every text in them is escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_VOID = frozenset({"meta", "br", "hr", "col"})


class Markup(str):
    """Finished markup. Made by `element` and `joined`, and nowhere else from text that is not a literal."""

    __slots__ = ()


def element(tag: str, *content: str | Iterable[str] | None, **attributes: str | float | bool | None) -> Markup:
    """Return an element.

    Args:
        tag: its name.
        content: texts, which are escaped; finished markup, which is not; iterables of both; None for nothing.
        attributes: `_` stands for `-`, and a trailing one is dropped (`class_`); None and False leave one out.
    """
    told = "".join(
        _attribute(name, value) for name, value in attributes.items() if value is not None and value is not False
    )
    if tag in _VOID:
        return Markup(f"<{tag}{told}>")
    return Markup(f"<{tag}{told}>{joined(*content)}</{tag}>")


def joined(*content: str | Iterable[str] | None) -> Markup:
    """Return pieces one after the other, texts escaped."""
    return Markup("".join(_piece(piece) for piece in content))


def _piece(piece: str | Iterable[str] | None) -> str:
    if piece is None:
        return ""
    if isinstance(piece, Markup):
        return str(piece)
    if isinstance(piece, str):
        return escape(piece, quote=False)
    return "".join(_piece(part) for part in piece)


def _attribute(name: str, value: str | float | bool) -> str:  # noqa: FBT001 - an attribute's value
    written = name.rstrip("_").replace("_", "-")
    if value is True:
        return f" {written}"
    text = f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return f' {written}="{escape(text)}"'
