"""A YAML file's text, and the error for what is wrong with it."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from orchestrator.errors import SpecInvalidError
from orchestrator.location import Location
from orchestrator.spec.nodes import Mistake, Place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_LARGEST = 1024 * 1024


def read_text(path: Path, *, shown: Path | None = None, repair: str | None = None) -> tuple[bytes, str]:
    """Return a file's bytes, and its text without a byte order mark.

    Args:
        path: where it lies.
        shown: how it is called in messages, where not by that path.
        repair: what to do where it is missing.

    Raises:
        SpecInvalidError: it cannot be read, or is no text.
    """
    name = shown or path
    content = _read(path, name, repair)
    return content, _text(name, content)


def invalid(path: Path, mistakes: Sequence[Mistake], *, what: str | None = None) -> SpecInvalidError:
    """Return the error for a file's mistakes, each with its place, in their order. `what`: the file, for people."""
    ordered = sorted(set(mistakes), key=lambda mistake: (mistake.place.line, mistake.place.column, mistake.text))
    lines = [f"{path}:{found.place.line}:{found.place.column}: {found.text}" for found in ordered]
    count = "one mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
    first = ordered[0].place
    return SpecInvalidError(
        f"{count} in {what or 'the spec'}",
        location=Location(file=str(path), line=first.line, column=first.column),
        repair="correct what is listed" + ("" if what else "; `invoke spec --schema` gives the schema to editors"),
        detail=tuple(lines),
    )


def _read(path: Path, name: Path, repair: str | None) -> bytes:
    where = Location(file=str(name))
    try:
        mode, size = path.stat().st_mode, path.stat().st_size
        if stat.S_ISDIR(mode):
            raise SpecInvalidError(
                f"{name} is a folder; expected a file", location=where, repair=f"name {name / 'buildspec.yaml'}"
            )
        if not stat.S_ISREG(mode):
            raise SpecInvalidError(f"{name} is no file (a pipe, say); its folder is the project's", location=where)
        if size > _LARGEST:
            raise SpecInvalidError(
                f"the spec has {size:,} bytes; more than {_LARGEST:,} are no build spec", location=where
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise SpecInvalidError(
            f"there is no {name}",
            repair=repair,
        ) from None
    except OSError as error:
        raise SpecInvalidError(f"the spec cannot be read: {error.strerror}", location=where) from error


def _text(path: Path, content: bytes) -> str:
    try:
        return content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        before = content[content.rfind(b"\n", 0, error.start) + 1 : error.start]
        column = len(before.decode(errors="replace").removeprefix("\ufeff")) + 1
        text = f"byte {content[error.start]:#04x} is no UTF-8; save the file as UTF-8"
        raise invalid(path, [Mistake(place=Place(line=line, column=column), text=text)]) from error
