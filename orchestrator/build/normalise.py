"""A deterministic image: the same files give the same image ID, whenever and wherever they were built.

Layers above the base are rewritten (entries sorted by path, time stamps clamped, owners numeric, the tool's own traces
taken out) and the configuration is put into one canonical form; the base's layers stay as they are and are not sent
again. What is gated afterwards is this image, and this image is what gets the tag.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from orchestrator.build.canonical_config import canonical_config
from orchestrator.build.leftovers import Leftover, leftover_from_json, leftovers_in, removable, summed
from orchestrator.build.lower import OPAQUE, WHITEOUT, Lower, attributes, joined, plain
from orchestrator.build.saved import SavedImage
from orchestrator.engine.archive import Layer, archive, layer_of
from orchestrator.engine.archive import image_id as image_id_of
from orchestrator.errors import EngineUnreachableError
from orchestrator.workspace import memo_key, no_space_named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from orchestrator.engine.docker import Engine
    from orchestrator.workspace import Workspace

_OWN = re.compile(r"(?:\.wh\.)?\.twinbuild(?:\..*)?", re.DOTALL)
"""Names of the tool's own in layers, and the whiteouts that remove them again (dockerfile/harden.py says where)."""
_VERSION = 6
_IN_MEMORY = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalisation:
    """How an image is normalised.

    Attributes:
        epoch: seconds since 1970; no entry of the upper layers and no date in the configuration is later.
        base_layers: diff ids of the base's layers, lowest first; these are left alone.
        restored: content by the sha256 of what to put it in place of: the Dockerfile as the user wrote it.
        without_leftovers: whether what the build host left in the upper layers is taken out (build/leftovers.py).
    """

    epoch: int
    base_layers: tuple[str, ...]
    restored: Mapping[str, bytes]
    without_leftovers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalised:
    """A normalised image.

    Attributes:
        image_id: its ID, the digest of its configuration: the same on every engine.
        name: what this engine calls it (engine/store.py).
        leftovers: what the build host has left in the layers that it was made of.
        touched: the names, without folders, of what the layers above the base add, replace or remove.
    """

    image_id: str
    name: str
    leftovers: tuple[Leftover, ...]
    touched: frozenset[str]


def normalise(
    engine: Engine,
    image_id: str,
    how: Normalisation,
    *,
    workspace: Workspace,
    say: Callable[[str], None] = lambda _text: None,
) -> Normalised:
    """Return the normalised image, making it unless the engine has it already.

    Args:
        engine: has the image, and gets the normalised one.
        image_id: what the engine calls the image.
        how: what is done to it.
        workspace: remembers the answer.
        say: told what a person should know.

    Raises:
        ImageBuildFailedError: the engine's archive of the image is not understood.
        NoSpaceError: no room for the layers.
        EngineUnreachableError: the engine went away.
    """
    key = memo_key(
        {
            "image": image_id,
            "epoch": how.epoch,
            "base": how.base_layers,
            "v": _VERSION,
            "r": sorted(how.restored),
            "without": how.without_leftovers,
        }
    )
    known = _recalled(engine, workspace, key)
    if known is not None:
        return known
    with (
        no_space_named(workspace.root),
        tempfile.TemporaryDirectory(dir=workspace.scratch, prefix="normalise-") as folder,
    ):
        saved = SavedImage(engine.save(image_id), Path(folder))
        config = json.loads(saved.config)
        kept = _kept_layers(config, how.base_layers)
        diff_ids = config["rootfs"]["diff_ids"]
        lower, layers, left, touched = Lower(), list[Layer](), list[Leftover](), set[str]()
        for diff_id in diff_ids[:kept]:
            lower.add(saved.layer(diff_id))
        for number, diff_id in enumerate(diff_ids[kept:], start=kept):
            out, step = Path(folder) / f"layer-{number}.tar", _step(config, number)
            layers.append(_rewritten(saved.layer(diff_id), out, how, lower=lower, step=step, left=left))
            lower.add(out)
            touched |= _names(out)
            if diff_id not in (*diff_ids[number + 1 :], *diff_ids[:kept]):
                saved.layer(diff_id).unlink()
        canonical = canonical_config(config, kept, layers, epoch=how.epoch)
        name = _loaded(engine, canonical, layers, saved, parents=diff_ids[:kept], say=say)
    made = image_id_of(canonical)
    told = {"image": made, "name": name, "leftovers": [asdict(each) for each in left], "touched": sorted(touched)}
    workspace.remember("normalised", key, told)
    return Normalised(image_id=made, name=name, leftovers=tuple(left), touched=frozenset(touched))


def _recalled(engine: Engine, workspace: Workspace, key: str) -> Normalised | None:
    known = workspace.recall("normalised", key)
    if not isinstance(known, dict) or engine.image(str(known["name"])) is None:
        return None
    return Normalised(
        image_id=str(known["image"]),
        name=str(known["name"]),
        leftovers=tuple(leftover_from_json(each) for each in known["leftovers"]),
        touched=frozenset(known["touched"]),
    )


def _names(layer: Path) -> set[str]:
    """Return the names of all that a canonical layer adds, replaces or removes, but of folders, which show in these."""
    with tarfile.open(layer, "r:") as tar:
        names = (plain(member.name).rpartition("/")[2] for member in tar if not member.isdir())
        return {name.removeprefix(WHITEOUT) for name in names}


def _loaded(
    engine: Engine,
    config: bytes,
    layers: Sequence[Layer],
    saved: SavedImage,
    *,
    parents: Sequence[str],
    say: Callable[[str], None],
) -> str:
    """Load the image by its upper layers, and return what the engine calls it.

    All layers are sent to an engine that no longer has those below, and to containerd's image store, which takes no
    others (measured on 28.5.2: `failed to resolve layers`).
    """
    if not engine.names_manifests:
        try:
            return engine.load(archive(config, layers, parents=parents))
        except EngineUnreachableError as error:
            if not parents:
                raise
            say(f"the engine did not take the upper layers alone, so all are sent: {error.message}")
    below = [layer_of(saved.layer(diff_id)) for diff_id in parents]
    return engine.load(archive(config, [*below, *layers]))


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


def _rewritten(
    saved: Path,
    out: Path,
    how: Normalisation,
    *,
    lower: Lower,
    step: tuple[str, int] = ("", 0),
    left: list[Leftover] | None = None,
) -> Layer:
    """Write a layer's canonical form: what it changes of the layers below, and nothing else.

    What the build host left in it is put into `left`.
    """
    with tarfile.open(saved, "r:") as source, tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as target:
        members = _named_whiteouts([member for member in source.getmembers() if not _is_own(member.name)], lower)
        members = _changes(members, source, how, lower)
        found = list(leftovers_in(members))
        gone = removable(found, members) if how.without_leftovers else set()
        if gone:
            members = _changes([member for member in members if id(member) not in gone], source, how, lower)
        if left is not None:
            left.extend(summed(found, gone, keyword=step[0], after=step[1]))
        for member in sorted(members, key=_order(members)):
            content = source.extractfile(member) if member.isreg() and member.size else None
            sparse = member.issparse()
            if sparse:
                # What is read of it are all its bytes, the holes as zeros.
                member.type, member.sparse = tarfile.REGTYPE, None
            _clean(member, how.epoch, lower)
            # (Read a second time, tarfile gives nothing but zeros for such a file.)
            restored = None if sparse else _restored(content, member.size, how.restored)
            if restored is not None:
                member.size, content = len(restored), io.BytesIO(restored)
            target.addfile(member, content)
    return layer_of(out)


def _order(members: Sequence[tarfile.TarInfo]) -> Any:
    """Return a sort key: by path, but a hard link after all files, since what it names must come first."""
    hard = {id(member) for member in members if member.islnk()}
    return lambda member: (id(member) in hard, member.name)


def _is_own(name: str) -> bool:
    return any(_OWN.fullmatch(part) for part in name.split("/"))


def _named_whiteouts(members: Sequence[tarfile.TarInfo], lower: Lower) -> list[tarfile.TarInfo]:
    """Return the entries with each "all below is gone" replaced by the names of what is gone."""
    kinds = {plain(member.name): member for member in members}
    named = [member for member in members if not member.name.endswith(f"/{OPAQUE}")]
    emptied = [plain(member.name).rpartition("/")[0] for member in members if member.name.endswith(f"/{OPAQUE}")]
    while emptied:
        folder = emptied.pop()
        for child in lower.children(folder):
            again = kinds.get(joined(folder, child))
            if again is None:
                named.append(tarfile.TarInfo(joined(folder, WHITEOUT + child)))
            elif again.isdir():
                emptied.append(joined(folder, child))
    return named


def _changes(
    members: Sequence[tarfile.TarInfo], source: tarfile.TarFile, how: Normalisation, lower: Lower
) -> list[tarfile.TarInfo]:
    """Return the entries that change something: not those that repeat what is below, and no folder just for these."""
    # A hard link's file has to lie in the same layer.
    linked = {plain(member.linkname) for member in members if member.islnk()}
    changed, around = [], set[str]()
    # What lies in a folder comes before it.
    for member in sorted(members, key=lambda member: plain(member.name).count("/"), reverse=True):
        name = plain(member.name)
        folder, _, last = name.rpartition("/")
        if last.startswith(WHITEOUT):
            needless = not lower.exists(joined(folder, last.removeprefix(WHITEOUT)))
        elif name in linked or name in around or member.islnk() or member.issparse():
            needless = False
        else:
            content = source.extractfile(member) if member.isreg() and member.size else None
            needless = lower.repeats(member, content, epoch=how.epoch)
        if not needless:
            changed.append(member)
            while folder not in around:
                around.add(folder)
                folder = folder.rpartition("/")[0]
    return changed


def _clean(member: tarfile.TarInfo, epoch: int, lower: Lower) -> None:
    below = lower.entry(plain(member.name))
    if plain(member.name).rpartition("/")[2].startswith(WHITEOUT):
        member.mode, member.uid, member.gid, member.mtime = 0, 0, 0, epoch
    elif member.isdir() and below is not None:
        # Something in it changed; not every driver lets its time stamp tell.
        member.mtime = epoch
    member.mtime = min(int(member.mtime), epoch)
    member.uname = member.gname = ""
    member.pax_headers = attributes(member)


def _restored(content: IO[bytes] | None, size: int, restored: Mapping[str, bytes]) -> bytes | None:
    if content is None or size > _IN_MEMORY:
        return None
    digest = hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]
    content.seek(0)
    return restored.get(digest)
