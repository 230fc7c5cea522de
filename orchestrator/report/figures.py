"""Durations, sizes and digests as people read them; the same in every report."""

from __future__ import annotations

_MINUTE = 60
_MEGABYTE = 1_000_000
_SHORT_DIGEST = 12


def duration(seconds: float | None) -> str:
    """Return a duration as people read it: `0.42 s`, `12.3 s`, `2 min 05 s`."""
    if seconds is None:
        return ""
    if round(seconds, 1) < _MINUTE:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    return f"{minutes} min {rest:02} s"


def size(count: int | None) -> str:
    """Return a size in decimal units: `312 B`, `284.8 kB`, `16.0 MB`."""
    if count is None:
        return "-"
    if count < 1000:  # noqa: PLR2004 - where kilobytes begin
        return f"{count} B"
    return f"{count / 1000:.1f} kB" if count < _MEGABYTE else f"{count / _MEGABYTE:.1f} MB"


def short(digest: str | None) -> str:
    """Return the start of a digest that is enough to tell it from others at a glance; `-` for none."""
    return digest.removeprefix("sha256:")[:_SHORT_DIGEST] if digest else "-"
