"""Reading `buildspec.yaml`: every mistake in it is found in one go, with its place, before anything is built."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from orchestrator.smoke.peers.file import NO_PEERS, PeerFiles
from orchestrator.spec.mistakes import mistake_of
from orchestrator.spec.model import BuildSpec
from orchestrator.spec.nodes import Document, Mistake, UnreadableTextError, read_document
from orchestrator.spec.text import invalid, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedSpec:
    """A spec and where it came from.

    Attributes:
        path: as given.
        root: its folder, absolute; every path in it is relative to that.
        digest: `sha256:<hex>` of its bytes.
        document: the values with their places.
        peers: what the files of other tools hold that its `smoke` names.
    """

    spec: BuildSpec
    path: Path
    root: Path
    digest: str
    document: Document
    peers: PeerFiles = NO_PEERS


def load_spec(path: Path) -> LoadedSpec:
    """Read a spec.

    Raises:
        SpecInvalidError: it is missing or wrong; `detail` has one line a mistake, in the file's order.
    """
    content, text = read_text(
        path, repair="write one (docs/tutorial.md begins with it), or name it with --spec PATH/buildspec.yaml"
    )
    try:
        document = read_document(text)
    except UnreadableTextError as error:
        raise invalid(path, [error.mistake]) from error
    mistakes = list(document.mistakes)
    spec = None
    try:
        # JSON mode: arrays are tuples and texts are enums there, with everything else still strict.
        spec = BuildSpec.model_validate_json(json.dumps(document.value))
    except ValidationError as error:
        mistakes += [mistake_of(found, document) for found in error.errors(include_url=False)]
    root = path.parent.resolve()
    mistakes += _paths_outside(document, root)
    mistakes += _missing_files(document, root, spec) if spec else ()
    if mistakes or spec is None:
        raise invalid(path, mistakes)
    digest = hashlib.sha256(content).hexdigest()
    peers = NO_PEERS
    if spec.smoke.structure_tests or spec.smoke.goss:
        from orchestrator.spec.peers import read_peers  # noqa: PLC0415 - two large schemas, which most specs need not

        peers = read_peers(root, structure=spec.smoke.structure_tests, goss=spec.smoke.goss)
    return LoadedSpec(spec=spec, path=path, root=root, digest=f"sha256:{digest}", document=document, peers=peers)


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


def _missing_files(document: Document, root: Path, spec: BuildSpec) -> Iterator[Mistake]:
    """Yield a mistake for each file of another tool that is not there, or lies outside of the spec's folder."""
    for key, names in (("structure_tests", spec.smoke.structure_tests), ("goss", spec.smoke.goss)):
        for number, name in enumerate(names):
            resolved = Path(os.path.realpath(root / name))
            if not resolved.is_file() or not resolved.is_relative_to(root):
                text = f"`smoke.{key}` names {name}; expected a file inside the spec's folder, and there is none"
                yield Mistake(place=document.values["smoke", key, number], text=text)
