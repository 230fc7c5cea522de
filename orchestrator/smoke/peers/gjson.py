"""goss's `gjson`, as far as its paths are plain: keys and numbers with dots between, and `#` for how many there are."""

from __future__ import annotations

import json
import re
from typing import Any

_PATH = re.compile(r"(?:[\w-]+\.)*(?:[\w-]+|#)")


def checked_path(path: str) -> str:
    """Return a path that is understood here.

    Raises:
        ValueError: it asks for more: queries, wildcards, modifiers, escapes.
    """
    if not _PATH.fullmatch(path):
        msg = f"expected a plain path such as `status.checks.0.name` or `checks.#`; {path!r} is not supported here"
        raise ValueError(msg)
    return path


def value_at(text: str, path: str) -> Any:
    """Return what a JSON text has at a path.

    Raises:
        ValueError: the text is no JSON, or has nothing there.
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        msg = f"it is no JSON ({error})"
        raise ValueError(msg) from None
    for part in path.split("."):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part == "#":
            value = len(value)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            msg = f"it has nothing at `{path}`"
            raise ValueError(msg)
    return value
