"""An image of which only copied files differ from one that was made before: these are read out of it, and no layer.

The engine's archive of an image holds all its layers, the base's as well: of 113 MB, engine 20.10 and this tool take
2.5 s of a processor for it, after each change of a line. Which layers differ the engine tells without an archive, by
their diff ids; and a layer that is a plain copy (plain_copy.py) is written anew out of the files in it.

Nothing is taken for granted: configuration and history must be those of the image before but for the times, and the
files that are read must add up to what the engine says is in the layer. Otherwise the archive is read, as ever. A run
that shares nothing (`--independent`) always reads it. What would not be seen: a COPY into a folder (`COPY app bin/`) of
which a source is a folder with a single file of the folder's own name, and then gets entries without content beside it.
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.build.canonical_config import canonical_config
from orchestrator.build.canonical_layer import names_in
from orchestrator.build.evidence import keep_shipped
from orchestrator.build.normalised import Normalised, normalised_from_json
from orchestrator.build.plain_copy import Entry, written_again
from orchestrator.engine.archive import Layer, archive
from orchestrator.engine.archive import image_id as image_id_of
from orchestrator.engine.faults import engine_faults
from orchestrator.errors import EngineUnreachableError
from orchestrator.workspace import memo_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.build.normalised import Normalisation
    from orchestrator.engine.docker import Engine
    from orchestrator.engine.files import ContainerFiles
    from orchestrator.workspace import Workspace

_CONFIGURATION = ("Config", "Architecture", "Variant", "Os", "OsVersion", "Author")
"""What the engine tells of an image, beside its layers, that is in the normalised one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeOf:
    """What a normalised image was made of.

    Attributes:
        image_id: what the engine calls the image that it was made of.
        config: that image's configuration.
        kept: how many layers are the base's.
        layers: those above, as rewritten, and the entries of each that is a plain copy.
    """

    image_id: str
    config: Mapping[str, Any]
    kept: int
    layers: Sequence[tuple[Layer, tuple[Entry, ...] | None]]


def remember_copies(engine: Engine, of: MadeOf, how: Normalisation, made: Normalised, *, workspace: Workspace) -> None:
    """Remember what an image was made of, for `made_again`.

    Raises:
        EngineUnreachableError: the engine went away.
    """
    above = [
        {"diff_id": layer.diff_id, "entries": None if entries is None else [asdict(entry) for entry in entries]}
        for layer, entries in of.layers
    ]
    if engine.names_manifests or not above or above[-1]["entries"] is None:
        return
    facts, _ = _raw_facts(engine, of.image_id)
    told = {"facts": facts, "config": of.config, "kept": of.kept, "layers": above, "made": made.told()}
    workspace.remember("copies", _key(how), told)


def made_again(
    engine: Engine, image_id: str, how: Normalisation, files: ContainerFiles, *, workspace: Workspace
) -> Normalised | None:
    """Make the normalised image out of one made before; None where that cannot be known to be the same.

    Args:
        engine: has the image, and gets the normalised one.
        image_id: what the engine calls the image.
        how: what is done to it.
        files: of the image.
        workspace: remembers the image before.

    Raises:
        NoSpaceError: no room for the layers.
        EngineUnreachableError: the engine went away.
    """
    known = workspace.recall("copies", _key(how)) if how.binary else None
    if not isinstance(known, dict) or engine.names_manifests:
        return None
    facts, sizes = _raw_facts(engine, image_id)
    kept, above = int(known["kept"]), list(known["layers"])
    changed = _first_change(known["facts"], facts)
    if changed is None or changed < kept or any(each["entries"] is None for each in above[changed - kept :]):
        return None
    with tempfile.TemporaryDirectory(dir=workspace.scratch, prefix="again-") as folder:
        layers = list[Layer]()
        for number in range(changed, len(facts["layers"])):
            entries = [Entry(**each) for each in above[number - kept]["entries"]]
            size = _size(known["config"], sizes, number)
            layer = written_again(files, entries, Path(folder) / f"layer-{number}.tar", how, size=size)
            if layer is None:
                return None
            above[number - kept] = {**above[number - kept], "diff_id": layer.diff_id}
            layers.append(layer)
        config = {**known["config"], "rootfs": {"type": "layers", "diff_ids": facts["layers"]}}
        diff_ids = [str(each["diff_id"]) for each in above]
        canonical = canonical_config(config, kept, diff_ids, epoch=how.epoch)
        try:
            parents = [*facts["layers"][:kept], *diff_ids[: changed - kept]]
            name = engine.load(archive(canonical, layers, parents=parents))
        except EngineUnreachableError:
            # It no longer has a layer of the image before; whatever else it is, it is told when the archive is read.
            return None
        made = replace(normalised_from_json(known["made"]), image_id=image_id_of(canonical), name=name)
        keep_shipped(name, how.binary, ((each, names_in(each.path)) for each in layers), workspace=workspace)
    told = {**known, "facts": facts, "config": config, "layers": above, "made": made.told()}
    workspace.remember("copies", _key(how), told)
    return made


def _key(how: Normalisation) -> str:
    return memo_key({"copies": how.facts(), "version": 2})


def _raw_facts(engine: Engine, image_id: str) -> tuple[dict[str, Any], list[int]]:
    """Return what the engine tells of an image that must be as before, its layers among it; and each step's bytes."""
    with engine_faults("looking up an image"):
        inspected: Mapping[str, Any] = engine.api.inspect_image(image_id)
        history: Sequence[Mapping[str, Any]] = engine.api.history(image_id)
    facts = {name: inspected.get(name) for name in _CONFIGURATION}
    facts["steps"] = [step["CreatedBy"] for step in reversed(history)]
    facts["layers"] = list(inspected["RootFS"]["Layers"])
    return facts, [int(step["Size"]) for step in reversed(history)]


def _first_change(before: Mapping[str, Any], now: Mapping[str, Any]) -> int | None:
    """Return the first layer that is another one; None where something else differs as well, or nothing does."""
    if {**before, "layers": None} != {**now, "layers": None} or len(before["layers"]) != len(now["layers"]):
        return None
    pairs = enumerate(zip(before["layers"], now["layers"], strict=True))
    return next((number for number, (old, new) in pairs if old != new), None)


def _size(config: Mapping[str, Any], sizes: Sequence[int], layer: int) -> int:
    """Return the bytes of a layer's files; the engine tells them by step, and steps without a layer are among these."""
    steps = [number for number, step in enumerate(config["history"]) if not step.get("empty_layer", False)]
    return sizes[steps[layer]] if layer < len(steps) and len(sizes) == len(config["history"]) else -1
