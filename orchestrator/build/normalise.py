"""A deterministic image: the same files give the same image ID, whenever and wherever they were built.

Layers above the base are rewritten (entries sorted by path, time stamps clamped, owners numeric, the tool's own traces
taken out) and the configuration is put into one canonical form; the base's layers stay as they are and are not sent
again. What is gated afterwards is this image, and this image is what gets the tag.
"""

from __future__ import annotations

import json
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.build.canonical_config import canonical_config
from orchestrator.build.canonical_layer import COPIED_SINCE, LayerNames, names_in, rewritten
from orchestrator.build.evidence import keep_shipped
from orchestrator.build.lower import Lower
from orchestrator.build.made_again import MadeOf, made_again, remember_copies
from orchestrator.build.normalised import Normalisation, Normalised, remember_normalised
from orchestrator.build.plain_copy import Entry, plain_copy
from orchestrator.build.saved import SavedImage
from orchestrator.engine.archive import Layer, load_over
from orchestrator.engine.archive import image_id as image_id_of
from orchestrator.workspace import no_space_named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from orchestrator.build.leftovers import Leftover
    from orchestrator.dockerfile.model import Instruction
    from orchestrator.engine.docker import Engine
    from orchestrator.engine.hold import Hold
    from orchestrator.workspace import Workspace

_LONGEST_STEP = 86_400
"""Seconds."""


def normalise(
    engine: Engine,
    image_id: str,
    how: Normalisation,
    *,
    workspace: Workspace,
    say: Callable[[str], None] = lambda _text: None,
    hold: Hold | None = None,
    made_by: Callable[[str, int], Instruction | None] = lambda _keyword, _after: None,
    again: bool = True,
) -> Normalised:
    """Make the normalised image, and remember it.

    Args:
        engine: has the image, and gets the normalised one.
        image_id: what the engine calls the image.
        how: what is done to it.
        workspace: remembers the answer.
        say: told what a person should know.
        hold: keeps an image that is made from other runs, which may make and remove the very same one. What it keeps of
            the image itself is read where only copied files differ from an image made before.
        made_by: gives the instruction that made a layer, by keyword and number of later entries in the history.
        again: whether it may be made out of an image made before (made_again.py).

    Raises:
        ImageBuildFailedError: the engine's archive of the image is not understood.
        NoSpaceError: no room for the layers.
        EngineUnreachableError: the engine went away.
    """
    files = hold.files(image_id) if hold is not None and again else None
    with no_space_named(workspace.root):
        out_of_another = None if files is None else made_again(engine, image_id, how, files, workspace=workspace)
        made = out_of_another or _made(engine, image_id, how, workspace=workspace, say=say, made_by=made_by)
        if hold is not None and not hold.keep(made.name):
            # Another run had the same one, and has just removed it.
            made = _made(engine, image_id, how, workspace=workspace, say=say, made_by=made_by)
            hold.keep(made.name)
    remember_normalised(image_id, how, made, workspace=workspace, again=made is out_of_another)
    return made


def _made(
    engine: Engine,
    image_id: str,
    how: Normalisation,
    *,
    workspace: Workspace,
    say: Callable[[str], None],
    made_by: Callable[[str, int], Instruction | None],
) -> Normalised:
    """Write the canonical layers out of the engine's archive of the image, and load them."""
    with tempfile.TemporaryDirectory(dir=workspace.scratch, prefix="normalise-") as folder:
        saved = SavedImage(engine.save(image_id), Path(folder))
        config = json.loads(saved.config)
        kept = _kept_layers(config, how.base_layers)
        diff_ids = config["rootfs"]["diff_ids"]
        lower = Lower()
        left: list[Leftover] = []
        layers: list[Layer] = []
        names: list[LayerNames] = []
        copies: list[tuple[Entry, ...] | None] = []
        for diff_id in diff_ids[:kept]:
            lower.add(saved.layer(diff_id))
        for number, diff_id in enumerate(diff_ids[kept:], start=kept):
            out, step, clean = Path(folder) / f"layer-{number}.tar", _step(config, number), len(left)
            since = _since(config, number)
            layers.append(rewritten(saved.layer(diff_id), out, how, lower=lower, step=step, left=left, since=since))
            names.append(names_in(out))
            copies.append(plain_copy(saved.layer(diff_id), out, made_by(*step), lower) if len(left) == clean else None)
            lower.add(out)
            if diff_id not in (*diff_ids[number + 1 :], *diff_ids[:kept]):
                saved.layer(diff_id).unlink()
        canonical = canonical_config(config, kept, [layer.diff_id for layer in layers], epoch=how.epoch)
        made = Normalised(
            image_id=image_id_of(canonical),
            name=load_over(engine, canonical, layers, saved.layer, parents=diff_ids[:kept], say=say),
            leftovers=tuple(left),
            touched=frozenset().union(*(each.touched for each in names)),
            programs=frozenset(path for each in names for path in each.programs),
        )
        keep_shipped(made.name, how.binary, zip(layers, names, strict=True), workspace=workspace)
    of = MadeOf(image_id=image_id, config=config, kept=kept, layers=list(zip(layers, copies, strict=True)))
    remember_copies(engine, of, how, made, workspace=workspace)
    return made


def _kept_layers(config: Mapping[str, Any], base: Sequence[str]) -> int:
    layers = config["rootfs"]["diff_ids"]
    return len(base) if layers[: len(base)] == list(base) else 0


def _since(config: Mapping[str, Any], layer: int) -> int | None:
    """Return from when on a file of a layer counts as made by the build (seconds since 1970); None if nothing tells."""
    entries = [entry for entry in config.get("history") or () if not entry.get("empty_layer", False)]
    entry = entries[layer] if layer < len(entries) else {}
    if str(entry.get("created_by", "")).startswith(("COPY ", "ADD ")):
        return COPIED_SINCE
    try:
        made = datetime.fromisoformat(f"{str(entry['created'])[:19]}+00:00")
    except (KeyError, ValueError):
        return None
    # What a step unpacks keeps its own times, which are older; what it writes is as old as the layer.
    return int(made.timestamp()) - _LONGEST_STEP


def _step(config: Mapping[str, Any], layer: int) -> tuple[str, int]:
    """Return which instruction made a layer: its keyword, and how many entries of the history come after its own."""
    entries = list(config.get("history") or ())
    made = [number for number, entry in enumerate(entries) if not entry.get("empty_layer", False)]
    if layer >= len(made):
        return "", 0
    return str(entries[made[layer]].get("created_by", "")).partition(" ")[0], len(entries) - 1 - made[layer]
