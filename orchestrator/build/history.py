"""An image's history in one form: engines write the same step differently (measured: 20.10, 26.1 and 28.5)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from orchestrator.dockerfile.harden import without_hardening

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_COPY_FLAGS = re.compile(r"^(COPY|ADD)(?: --[a-z-]+(?:=\S*)?)+ ")
"""20.10 leaves `--chown` and its like out."""

_EXPOSE = re.compile(r"^EXPOSE (?:map)?\[(.*)\]$")
"""`map[80/tcp:{} 443/tcp:{}]` up to 26.1, `[80/tcp 443/tcp]` on 28.5."""

_HEALTH = re.compile(r'^(HEALTHCHECK &\{.*(?: "\w+"){3}) "0s"( .*\})$', re.DOTALL)
"""Newer engines have a fourth duration, the start interval; zero is what older ones do not say."""


def canonical_history(entries: Iterable[Mapping[str, Any]], kept: int, created: str) -> Iterator[dict[str, Any]]:
    """Yield the history with one date and in one form; the base's own entries stay as they are.

    Args:
        entries: the history of the image's configuration.
        kept: number of the base's layers.
        created: the date, as configurations have it.
    """
    seen = 0
    for entry in entries:
        if seen < kept:
            seen += not entry.get("empty_layer", False)
            yield dict(entry)
            continue
        clean = {"created": created, "created_by": canonical_step(str(entry.get("created_by", "")))}
        yield clean | ({"empty_layer": True} if entry.get("empty_layer") else {})


def canonical_step(text: str) -> str:
    """Return what a history says of a step, as the user wrote it and as all engines can say it."""
    text = _COPY_FLAGS.sub(r"\1 ", without_hardening(text))
    text = _HEALTH.sub(r"\1\2", text)
    ports = _EXPOSE.match(text)
    if ports is None:
        return text
    return f"EXPOSE [{' '.join(sorted(port.removesuffix(':{}') for port in ports[1].split()))}]"
