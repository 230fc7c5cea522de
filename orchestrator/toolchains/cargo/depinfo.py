"""Dep-info: the files that went into a program, as rustc and cargo write them down in make's syntax."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_WORD = re.compile(r"(?:\\.|[^\s\\])+")


def read_depinfo(path: Path) -> tuple[str, ...]:
    """Return the files that the first rule of a `.d` file depends on; empty where there is no such file.

    Cargo writes one rule for a program into `target/<profile>/<program>.d`, with the sources of every path dependency
    and what build scripts declare (doc.rust-lang.org/cargo/reference/build-cache.html).
    """
    try:
        rule = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()[0]
    except (FileNotFoundError, IndexError):
        return ()
    _, _, needed = rule.partition(": ")
    return tuple(re.sub(r"\\(.)", r"\1", word) for word in _WORD.findall(needed))
