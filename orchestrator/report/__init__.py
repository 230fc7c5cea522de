"""What a person or a machine reads of a run; pure functions of the record.

A format is one file with `render(record) -> bytes` and one line here. They are imported when they are asked for: an
ordinary run pays for none of them.
"""

from __future__ import annotations

import os
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, cast

from orchestrator.atomic import write_atomically
from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from orchestrator.record import RunRecord

FORMATS = {
    "html": "html_page",
    "json": "json_record",
    "junit": "junit_xml",
    "markdown": "markdown_summary",
    "text": "text",
}
"""Module by name of the format."""


def render(record: RunRecord, form: str) -> bytes:
    """Return a run as a report in a format.

    Raises:
        UsageError: there is no such format.
    """
    module = FORMATS.get(form)
    if module is None:
        near = get_close_matches(form, FORMATS, n=1)
        raise UsageError(
            f"there is no report format {form!r}, expected one of {', '.join(FORMATS)}"
            + (f"; did you mean {near[0]}?" if near else "")
        )
    made = cast("Callable[[RunRecord], bytes]", import_module(f"orchestrator.report.{module}").render)
    return made(record)


def require_writable(path: Path) -> None:
    """Say before the work what `write_file` would say after it, as far as that can be known.

    Raises:
        UsageError: it cannot be written there.
    """
    there = path if path.exists() else next(folder for folder in path.absolute().parents if folder.exists())
    in_the_way = path.is_dir() or (there is not path and not there.is_dir())
    if in_the_way or not os.access(path.parent if path.is_file() else there, os.W_OK):
        raise UsageError(f"cannot write {path}", repair="name a file in a folder that you may write to")


def write_file(path: Path, content: bytes) -> None:
    """Write a file that the user named, whole or not at all; its folder is made.

    Raises:
        UsageError: it cannot be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            # A pipe or a device: nothing may be put in its place.
            path.write_bytes(content)
        else:
            write_atomically(path, content)
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}", repair="name a file in a folder that you may write to"
        ) from error
