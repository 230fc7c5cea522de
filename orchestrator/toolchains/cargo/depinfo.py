"""Dep-info: the files that went into a program, as rustc and cargo write them down in make's syntax."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Only a space is escaped (cargo/core/compiler/output_depinfo.rs): another backslash is part of a name.
_WORD = re.compile(r"(?:\\ |[^ ])+")


def read_depinfo(path: Path) -> tuple[str, ...]:
    """Return the files that the first rule of a `.d` file depends on; empty where there is no such file.

    Cargo writes one rule for a program into `target/<profile>/<program>.d`, with the sources of every path dependency
    and what build scripts declare (doc.rust-lang.org/cargo/reference/build-cache.html).
    """
    try:
        return depinfo_files(path.read_text(encoding="utf-8", errors="surrogateescape"))
    except FileNotFoundError:
        return ()


def depinfo_files(text: str) -> tuple[str, ...]:
    """Return the files that the first rule of a text in make's syntax depends on."""
    _, _, needed = text.partition("\n")[0].partition(": ")
    return tuple(word.replace("\\ ", " ") for word in _WORD.findall(needed))
