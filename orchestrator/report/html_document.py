"""The frame of every HTML report: one file, nothing is loaded from elsewhere, and there is no script in it."""

from __future__ import annotations

from pathlib import Path

from orchestrator.report.markup import Markup, element

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""Should anything slip through the escaping, a browser would neither run nor load it."""


def document(title: str, *body: Markup, styles: tuple[str, ...] = ("html_page.css",)) -> bytes:
    """Return a page.

    Args:
        title: untrusted text is escaped.
        body: what it shows.
        styles: style sheets beside this module, each after the one that it builds on.
    """
    folder = Path(__file__).parent
    style = "".join((folder / name).read_text(encoding="utf-8") for name in styles)
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Markup(style)),
    )
    return f"<!DOCTYPE html>\n{element('html', head, element('body', body), lang='en')}\n".encode()


def key(*entries: tuple[str, str]) -> Markup:
    """Return what the colours of a picture mean: pairs of a class and a text."""
    return element("div", [element("span", element("i", class_=kind), text) for kind, text in entries], class_="key")
