"""Reading the files of container-structure-test and goss that a plan names: every mistake with its place."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from orchestrator.settings import Settings
from orchestrator.smoke.peers.file import PeerFile, PeerFiles
from orchestrator.smoke.peers.goss import GossTests
from orchestrator.smoke.peers.structure import StructureTests
from orchestrator.spec.mistakes import mistake_of
from orchestrator.spec.nodes import Mistake, Place, UnreadableTextError, read_document
from orchestrator.spec.text import invalid, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.spec.nodes import Document

Tests = TypeVar("Tests", bound=Settings)
_MOST_FILES = 50


def read_peers(root: Path, *, structure: Sequence[str], goss: Sequence[str]) -> PeerFiles:
    """Return what the files of a plan hold, those that gossfiles include as well.

    Args:
        root: the spec's folder, which the paths are relative to.
        structure: paths of files of container-structure-test.
        goss: paths of gossfiles.

    Raises:
        SpecInvalidError: one is missing or wrong; `detail` has one line a mistake.
    """
    seen: set[Path] = set()
    return PeerFiles(
        structure=tuple(_read(root / path, path, StructureTests)[0] for path in structure),
        goss=tuple(file for path in goss for file in _gossfiles(root / path, path, seen)),
    )


def _read(place: Path, name: str, model: type[Tests]) -> tuple[PeerFile[Tests], Document]:
    content, text = read_text(place, shown=Path(name))
    try:
        document = read_document(text, expected="a mapping")
    except UnreadableTextError as error:
        template = _template(text)
        raise invalid(Path(name), [template or error.mistake], what=name) from error
    mistakes = list(document.mistakes)
    tests = None
    try:
        tests = model.model_validate_json(json.dumps(document.value))
    except ValidationError as error:
        mistakes += [mistake_of(found, document, model) for found in error.errors(include_url=False)]
    if model is GossTests and (template := _template(text)) is not None:
        mistakes = [template]
    if mistakes or tests is None:
        raise invalid(Path(name), mistakes, what=name)
    places = {path: (place.line, place.column) for path, place in document.values.items()}
    # A resource is looked for by its key, not by what stands below it.
    places |= {path: (place.line, place.column) for path, place in document.keys.items()}
    return PeerFile(name=name, content=hashlib.sha256(content).hexdigest(), tests=tests, places=places), document


def _gossfiles(place: Path, name: str, seen: set[Path]) -> Iterator[PeerFile[GossTests]]:
    """Yield a gossfile and those that it includes, each once."""
    if place.resolve() in seen:
        return
    seen.add(place.resolve())
    file, document = _read(place, name, GossTests)
    yield file
    for key, settings in file.tests.gossfile.items():
        options = settings if isinstance(settings, dict) else {}
        if options.get("skip") is True:
            continue
        pattern = str(options.get("file", key))
        found = [] if pattern.startswith("/") else sorted(place.parent.glob(pattern))
        if not found or len(seen) > _MOST_FILES:
            what = "more files than make sense" if found else "no file beside this one"
            text = f"`gossfile.{key}` names {pattern!r}, which is {what}; expected a path relative to this file"
            raise invalid(Path(name), [Mistake(place=document.keys["gossfile", key], text=text)], what=name)
        for each in found:
            relative = Path(name).parent / each.relative_to(place.parent)
            yield from _gossfiles(each, str(relative), seen)


def _template(text: str) -> Mistake | None:
    """Return the mistake of a file that goss would fill in first; None where it is plain YAML."""
    for number, line in enumerate(text.splitlines(), start=1):
        column = line.find("{{")
        if column >= 0:
            what = "a template; expected plain YAML: `goss render` writes the file with everything filled in"
            return Mistake(place=Place(line=number, column=column + 1), text=what)
    return None
