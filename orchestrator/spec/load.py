"""Reading `buildspec.yaml`: every mistake in it is found in one go, with its place, before anything is built."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from orchestrator.errors import SpecInvalidError
from orchestrator.location import Location
from orchestrator.spec.mistakes import mistake_of
from orchestrator.spec.model import BuildSpec
from orchestrator.spec.nodes import Document, Mistake, Place, UnreadableTextError, read_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LARGEST = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedSpec:
    """A spec and where it came from.

    Attributes:
        path: as given.
        root: its folder, absolute; every path in it is relative to that.
        digest: `sha256:<hex>` of its bytes.
        document: the values with their places.
    """

    spec: BuildSpec
    path: Path
    root: Path
    digest: str
    document: Document


def load_spec(path: Path) -> LoadedSpec:
    """Read a spec.

    Raises:
        SpecInvalidError: it is missing or wrong; `detail` has one line a mistake, in the file's order.
    """
    content = _read(path)
    try:
        document = read_document(_text(path, content))
    except UnreadableTextError as error:
        raise _invalid(path, [error.mistake]) from error
    mistakes = list(document.mistakes)
    spec = None
    try:
        # JSON mode: arrays are tuples and texts are enums there, with everything else still strict.
        spec = BuildSpec.model_validate_json(json.dumps(document.value))
    except ValidationError as error:
        mistakes += [mistake_of(found, document) for found in error.errors(include_url=False)]
    root = path.parent.resolve()
    mistakes += _paths_outside(document, root)
    if mistakes or spec is None:
        raise _invalid(path, mistakes)
    digest = hashlib.sha256(content).hexdigest()
    return LoadedSpec(spec=spec, path=path, root=root, digest=f"sha256:{digest}", document=document)


def _read(path: Path) -> bytes:
    where = Location(file=str(path))
    try:
        mode, size = path.stat().st_mode, path.stat().st_size
        if stat.S_ISDIR(mode):
            raise SpecInvalidError(
                f"{path} is a folder; expected a file", location=where, repair=f"name {path / 'buildspec.yaml'}"
            )
        if not stat.S_ISREG(mode):
            raise SpecInvalidError(f"{path} is no file (a pipe, say); its folder is the project's", location=where)
        if size > _LARGEST:
            raise SpecInvalidError(
                f"the spec has {size:,} bytes; more than {_LARGEST:,} are no build spec", location=where
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise SpecInvalidError(
            f"there is no {path}",
            repair="write one (docs/tutorial.md begins with it), or name it with --spec PATH/buildspec.yaml",
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
        raise _invalid(path, [Mistake(place=Place(line=line, column=column), text=text)]) from error


def _invalid(path: Path, mistakes: Sequence[Mistake]) -> SpecInvalidError:
    ordered = sorted(set(mistakes), key=lambda mistake: (mistake.place.line, mistake.place.column, mistake.text))
    lines = [f"{path}:{found.place.line}:{found.place.column}: {found.text}" for found in ordered]
    count = "one mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
    first = ordered[0].place
    return SpecInvalidError(
        f"{count} in the spec",
        location=Location(file=str(path), line=first.line, column=first.column),
        repair="correct what is listed; `invoke spec --schema` gives the schema to editors",
        detail=tuple(lines),
    )


def _paths_outside(document: Document, root: Path) -> Iterator[Mistake]:
    """Yield a mistake for each path whose links lead out of the spec's folder."""
    for path in (("source", "root"), ("toolchain", "manifest"), ("image", "dockerfile"), ("image", "context")):
        written = document.raw.get(path)
        # What is no relative path at all has a mistake of its own.
        if written is None or written.startswith("/") or ".." in written.split("/") or "\0" in written:
            continue
        below = root if path == ("source", "root") else root / document.raw.get(("source", "root"), ".")
        resolved = Path(os.path.realpath(below / written))
        if not resolved.is_relative_to(root):
            text = f"`{'.'.join(path)}` leads out of the spec's folder, to {resolved}; expected a path inside {root}"
            yield Mistake(place=document.values[path], text=text)
