"""What an engine's archive of an image holds, layer by layer: one reading for the forms of all engines."""

from __future__ import annotations

import json
import tarfile
import tempfile
from typing import TYPE_CHECKING

from orchestrator.build.saved import SavedImage
from orchestrator.engine.archive import Layer, layer_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from orchestrator.engine.docker import Engine


def layers_to_send(engine: Engine, image: str, folder: Path) -> Mapping[str, Layer]:
    """Return an image's layers by their diff ids, where an image upon it has to bring them; else none."""
    facts = engine.image(image)
    if facts is None or not engine.names_manifests:
        return {}
    saved = SavedImage(engine.save(image), folder)
    return {diff_id: layer_of(saved.layer(diff_id)) for diff_id in facts.layers}


def saved_layers(engine: Engine, image: str) -> list[dict[str, tarfile.TarInfo]]:
    """Return the entries of each layer by path, lowest layer first."""
    with tempfile.TemporaryFile() as saved:
        for block in engine.save(image):
            saved.write(block)
        saved.seek(0)
        with tarfile.open(fileobj=saved) as archive:
            manifest = archive.extractfile("manifest.json")
            assert manifest is not None
            return [_entries(archive, name) for name in json.load(manifest)[0]["Layers"]]


def _entries(archive: tarfile.TarFile, name: str) -> dict[str, tarfile.TarInfo]:
    content = archive.extractfile(name)
    assert content is not None
    with tarfile.open(fileobj=content) as layer:
        return {entry.name.removeprefix("./").rstrip("/"): entry for entry in layer}
