"""A deterministic image: the same files give the same image ID, whenever and wherever they were built.

Layers above the base are rewritten (entries sorted by path, time stamps clamped, owners numeric, the tool's own traces
taken out) and the configuration is put into one canonical form; the base's layers stay as they are and are not sent
again. What is gated afterwards is this image, and this image is what gets the tag.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.build.canonical_config import canonical_config
from orchestrator.build.canonical_layer import Normalisation, names_in, rewritten
from orchestrator.build.leftovers import Leftover, leftover_from_json
from orchestrator.build.lower import Lower
from orchestrator.build.saved import SavedImage
from orchestrator.engine.archive import Layer, load_over
from orchestrator.engine.archive import image_id as image_id_of
from orchestrator.workspace import memo_key, no_space_named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from orchestrator.engine.docker import Engine
    from orchestrator.engine.hold import Hold
    from orchestrator.workspace import Workspace

__all__ = ["Normalisation", "Normalised", "normalise"]

_VERSION = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalised:
    """A normalised image.

    Attributes:
        image_id: its ID, the digest of its configuration: the same on every engine.
        name: what this engine calls it (engine/store.py).
        leftovers: what the build host has left in the layers that it was made of.
        touched: the names, without folders, of what the layers above the base add, replace or remove.
        programs: the absolute paths of the executable files that these layers hold.
    """

    image_id: str
    name: str
    leftovers: tuple[Leftover, ...]
    touched: frozenset[str]
    programs: frozenset[str]


def normalised_before(
    engine: Engine, image_id: str, how: Normalisation, *, workspace: Workspace, hold: Hold | None = None
) -> Normalised | None:
    """Return what was made of an image before; None where it was not, or the engine has it no more.

    Raises:
        EngineUnreachableError: the engine went away.
    """
    known = workspace.recall("normalised", _key(image_id, how))
    facts = engine.image(str(known["name"])) if isinstance(known, dict) else None
    if not isinstance(known, dict) or facts is None:
        return None
    # Nobody tidies up what has a tag, so a run with nothing to do need not wait for the engine here.
    if hold is not None and not facts.tags and not hold.keep(str(known["name"])):
        return None
    return Normalised(
        image_id=str(known["image"]),
        name=str(known["name"]),
        leftovers=tuple(leftover_from_json(each) for each in known["leftovers"]),
        touched=frozenset(known["touched"]),
        programs=frozenset(known["programs"]),
    )


def normalise(
    engine: Engine,
    image_id: str,
    how: Normalisation,
    *,
    workspace: Workspace,
    say: Callable[[str], None] = lambda _text: None,
    hold: Hold | None = None,
) -> Normalised:
    """Make the normalised image, and remember it.

    Args:
        engine: has the image, and gets the normalised one.
        image_id: what the engine calls the image.
        how: what is done to it.
        workspace: remembers the answer.
        say: told what a person should know.
        hold: keeps an image that is made from other runs, which may make and remove the very same one.

    Raises:
        ImageBuildFailedError: the engine's archive of the image is not understood.
        NoSpaceError: no room for the layers.
        EngineUnreachableError: the engine went away.
    """
    made = _made(engine, image_id, how, workspace=workspace, say=say)
    if hold is not None and not hold.keep(made.name):
        # Another run had the same one, and has just removed it.
        made = _made(engine, image_id, how, workspace=workspace, say=say)
        hold.keep(made.name)
    told = {
        "image": made.image_id,
        "name": made.name,
        "leftovers": [asdict(each) for each in made.leftovers],
        "touched": sorted(made.touched),
        "programs": sorted(made.programs),
    }
    workspace.remember("normalised", _key(image_id, how), told)
    return made


def _key(image_id: str, how: Normalisation) -> str:
    return memo_key(
        {
            "image": image_id,
            "epoch": how.epoch,
            "base": how.base_layers,
            "v": _VERSION,
            "r": sorted((sent, hashlib.sha256(own).hexdigest()) for sent, own in how.restored.items()),
            "without": how.without_leftovers,
        }
    )


def _made(
    engine: Engine, image_id: str, how: Normalisation, *, workspace: Workspace, say: Callable[[str], None]
) -> Normalised:
    """Write the canonical layers and load them."""
    with (
        no_space_named(workspace.root),
        tempfile.TemporaryDirectory(dir=workspace.scratch, prefix="normalise-") as folder,
    ):
        saved = SavedImage(engine.save(image_id), Path(folder))
        config = json.loads(saved.config)
        kept = _kept_layers(config, how.base_layers)
        diff_ids = config["rootfs"]["diff_ids"]
        lower, layers, left = Lower(), list[Layer](), list[Leftover]()
        touched, programs = set[str](), set[str]()
        for diff_id in diff_ids[:kept]:
            lower.add(saved.layer(diff_id))
        for number, diff_id in enumerate(diff_ids[kept:], start=kept):
            out, step = Path(folder) / f"layer-{number}.tar", _step(config, number)
            layers.append(rewritten(saved.layer(diff_id), out, how, lower=lower, step=step, left=left))
            lower.add(out)
            names = names_in(out)
            touched |= names[0]
            programs |= names[1]
            if diff_id not in (*diff_ids[number + 1 :], *diff_ids[:kept]):
                saved.layer(diff_id).unlink()
        canonical = canonical_config(config, kept, layers, epoch=how.epoch)
        return Normalised(
            image_id=image_id_of(canonical),
            name=load_over(engine, canonical, layers, saved.layer, parents=diff_ids[:kept], say=say),
            leftovers=tuple(left),
            touched=frozenset(touched),
            programs=frozenset(programs),
        )


def _kept_layers(config: Mapping[str, Any], base: Sequence[str]) -> int:
    layers = config["rootfs"]["diff_ids"]
    return len(base) if layers[: len(base)] == list(base) else 0


def _step(config: Mapping[str, Any], layer: int) -> tuple[str, int]:
    """Return which instruction made a layer: its keyword, and how many entries of the history come after its own."""
    entries = list(config.get("history") or ())
    made = [number for number, entry in enumerate(entries) if not entry.get("empty_layer", False)]
    if layer >= len(made):
        return "", 0
    return str(entries[made[layer]].get("created_by", "")).partition(" ")[0], len(entries) - 1 - made[layer]
