"""Text that programs wrote, made harmless before anything is shown of it.

A log line, a file name or an error may hold escape codes that steer a terminal, control characters that no XML may
hold, or marks that reverse the direction of what follows. Each report first passes the whole record through here, then
escapes for its own format.
"""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.record import RunRecord

Value = TypeVar("Value")

_TERMINAL_CODES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])|\x9b[0-?]*[ -/]*[@-~]"
)
"""CSI, OSC and other strings, and two-byte sequences (ECMA-48), in their 7-bit forms and CSI in its 8-bit one."""

_JOINER = "\u200d"
"""Holds emoji together; harmless."""


def visible(text: str) -> str:
    """Return the text with terminal codes taken out and other control characters written as escapes; line ends stay.

    What is not a character at all (half a surrogate pair, from bytes that are no UTF-8) is written as an escape too, so
    the result can always be encoded.
    """
    if text.isprintable():
        return text
    text = _TERMINAL_CODES.sub("", text).replace("\r\n", "\n").expandtabs(4)
    return "".join(letter if letter.isprintable() or letter in {"\n", _JOINER} else _escape(letter) for letter in text)


def one_line(text: str) -> str:
    """Return the text on one line: what a terminal would be left with, runs of blanks collapsed."""
    last = next((part for part in reversed(text.split("\r")) if part.strip()), "")
    return visible(" ".join(last.split()))


def visible_record(record: RunRecord, shown: Callable[[str], str] = visible) -> RunRecord:
    """Return the record with every text in it made harmless.

    Args:
        record: of any origin.
        shown: what becomes of each text; `visible`, or that and more.
    """
    return visible_value(record, shown)


def visible_value(value: Value, shown: Callable[[str], str] = visible) -> Value:
    """Return a frozen value with every text in it made harmless; see `visible_record`."""
    return cast("Value", _mapped(value, shown))


def _mapped(value: Any, shown: Callable[[str], str]) -> Any:
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, tuple):
        mapped = [_mapped(entry, shown) for entry in value]
        return type(value)(*mapped) if hasattr(value, "_fields") else tuple(mapped)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: _mapped(getattr(value, each.name), shown) for each in fields(value)})
    return value


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii") if not letter.isspace() else " "
