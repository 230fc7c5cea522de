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
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from orchestrator.build.leftovers import Leftover, leftover_from_json, leftovers_in, removable, summed
from orchestrator.dockerfile.harden import without_hardening
from orchestrator.engine.archive import Layer, archive, layer_of
from orchestrator.errors import ImageBuildFailedError
from orchestrator.workspace import memo_key, no_space_named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from orchestrator.engine.docker import Engine
    from orchestrator.workspace import Workspace

_OWN = re.compile(r"(?:\.wh\.)?\.twinbuild(?:\..*)?", re.DOTALL)
"""Names of the tool's own in layers, and the whiteouts that remove them again (dockerfile/harden.py says where)."""
_VERSION = 3
_IN_MEMORY = 8 * 1024 * 1024
_CONFIG_KEPT = frozenset({"architecture", "author", "config", "os", "variant", "os.version"})
"""What of an image's configuration says something about the image; the rest is about who built it and when."""

_RUN_CONFIG_DROPPED = frozenset({"Hostname", "Domainname", "Image", "AttachStdin", "AttachStdout", "AttachStderr"})


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
    """A normalised image, and what the build host has left in the layers that it was made of."""

    image_id: str
    leftovers: tuple[Leftover, ...]


def normalise(engine: Engine, image_id: str, how: Normalisation, *, workspace: Workspace) -> Normalised:
    """Return the normalised image, making it unless the engine has it already.

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
    known = workspace.recall("normalised", key)
    if isinstance(known, dict) and engine.image(str(known["image"])) is not None:
        found = tuple(leftover_from_json(each) for each in known["leftovers"])
        return Normalised(image_id=str(known["image"]), leftovers=found)
    with (
        no_space_named(workspace.root),
        tempfile.TemporaryDirectory(dir=workspace.scratch, prefix="normalise-") as folder,
    ):
        saved = SavedImage(engine.save(image_id), Path(folder))
        config = json.loads(saved.config)
        kept = _kept_layers(config, how.base_layers)
        diff_ids = config["rootfs"]["diff_ids"]
        below = [saved.layers[diff_id] for diff_id in diff_ids[:kept] if diff_id in saved.layers]
        # The same layer may come twice: two steps that change nothing make equal ones.
        made_of: dict[str, Layer] = {}
        left: list[Leftover] = []
        for number, diff_id in enumerate(diff_ids[kept:]):
            if diff_id not in made_of:
                out = Path(folder) / f"layer-{number}.tar"
                step = _step(config, kept + number)
                made_of[diff_id] = _rewritten(saved.layer(diff_id), out, how, below=below, step=step, left=left)
                below.append(out)
        layers = [made_of[diff_id] for diff_id in diff_ids[kept:]]
        canonical = _canonical(config, kept, layers, epoch=how.epoch)
        made = engine.load(archive(canonical, layers, parents=config["rootfs"]["diff_ids"][:kept]))
    workspace.remember("normalised", key, {"image": made, "leftovers": [asdict(each) for each in left]})
    return Normalised(image_id=made, leftovers=tuple(left))


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


class SavedImage:
    """An image's archive as `docker save` gives it: the configuration, and each layer by its diff id on disk.

    The archive is a stream and its manifest comes last, so layers are put aside as they come. A layer that holds what
    an earlier one holds is a link to that one (engine 25 and newer name blobs by digest instead).
    """

    def __init__(self, blocks: Iterable[bytes], folder: Path) -> None:
        blobs: dict[str, Path] = {}
        texts: dict[str, bytes] = {}
        links: dict[str, str] = {}
        with tarfile.open(fileobj=_Stream(blocks), mode="r|") as members:
            for member in members:
                content = members.extractfile(member) if member.isreg() else None
                if content is None:
                    links[member.name] = member.linkname
                elif member.size < _IN_MEMORY and not member.name.endswith("layer.tar"):
                    texts[member.name] = content.read()
                else:
                    blobs[member.name] = _put_aside(content, folder / f"saved-{len(blobs)}.tar")
        try:
            manifest = json.loads(texts["manifest.json"])[0]
            self.config = texts[manifest["Config"]]
            names = manifest["Layers"]
            diff_ids = json.loads(self.config)["rootfs"]["diff_ids"]
            places = list(zip(names, diff_ids, strict=True))
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise _not_understood(repr(error)) from error
        self.layers: dict[str, Path] = {}
        for name, diff_id in places:
            place = _linked(name, links)
            # Engine 25 and newer name the same place for each of several equal layers.
            if place in texts and place not in blobs:
                blobs[place] = _put_aside(io.BytesIO(texts[place]), folder / f"saved-{len(blobs)}.tar")
            if place in blobs:
                self.layers[diff_id] = blobs[place]

    def layer(self, diff_id: str) -> Path:
        """Return the tar of a layer."""
        if diff_id not in self.layers:
            raise _not_understood(f"it lacks the layer {diff_id}")
        return self.layers[diff_id]


def _not_understood(why: str) -> ImageBuildFailedError:
    return ImageBuildFailedError(
        f"the engine's archive of the image is not understood: {why}",
        repair="report this with the output of `invoke doctor`",
    )


def _linked(name: str, links: Mapping[str, str]) -> str:
    seen = set()
    while name in links and name not in seen:
        seen.add(name)
        target = links[name]
        name = target.removeprefix("../") if target.startswith("../") else target
    return name


def _put_aside(content: IO[bytes], path: Path) -> Path:
    with path.open("wb") as out:
        while block := content.read(1 << 20):
            out.write(block)
    return path


def _rewritten(
    saved: Path,
    out: Path,
    how: Normalisation,
    *,
    below: Sequence[Path],
    step: tuple[str, int] = ("", 0),
    left: list[Leftover] | None = None,
) -> Layer:
    """Write a layer's canonical form, and put what the build host left in it into `left`."""
    with tarfile.open(saved, "r:") as source, tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as target:
        every = source.getmembers()
        members = [member for member in every if not _is_own(member.name)]
        emptied = _emptied(members, [member.name for member in every if _is_own(member.name)], below)
        members = [member for member in members if id(member) not in emptied]
        found = list(leftovers_in(members))
        gone = removable(found, members) if how.without_leftovers else set()
        members = [member for member in members if id(member) not in gone]
        if left is not None:
            left.extend(summed(found, gone, keyword=step[0], after=step[1]))
        for member in sorted(members, key=_order(members)):
            content = source.extractfile(member) if member.isreg() else None
            sparse = member.issparse()
            if sparse:
                # What is read of it are all its bytes, the holes as zeros.
                member.type, member.sparse = tarfile.REGTYPE, None
            _clean(member, how.epoch)
            # (Read a second time, tarfile gives nothing but zeros for such a file.)
            restored = None if sparse else _restored(content, member.size, how.restored)
            if restored is not None:
                member.size, content = len(restored), io.BytesIO(restored)
            target.addfile(member, content)
    saved.unlink()
    return layer_of(out, made_by="")


def _order(members: Sequence[tarfile.TarInfo]) -> Any:
    """Return a sort key: by path, but a hard link after all files, since what it names must come first."""
    hard = {id(member) for member in members if member.islnk()}
    return lambda member: (id(member) in hard, member.name)


def _is_own(name: str) -> bool:
    return any(_OWN.fullmatch(part) for part in name.split("/"))


def _emptied(members: Sequence[tarfile.TarInfo], own: Sequence[str], below: Sequence[Path]) -> set[int]:
    """Return the ids of folder entries that a layer has only because the tool's files were put there.

    Those are the folders around them in which nothing else changed, and that a lower layer has just so.
    """
    around = {_plain(name).rsplit("/", depth)[0] for name in own for depth in range(1, _plain(name).count("/") + 1)}
    folders = [member for member in members if member.isdir() and _plain(member.name) in around]
    inside = {_plain(member.name) for member in members} - {_plain(folder.name) for folder in folders}
    alone = [folder for folder in folders if not any(name.startswith(f"{_plain(folder.name)}/") for name in inside)]
    known: dict[str, tuple[int, int, int]] = {}
    for layer in below if alone else ():
        with tarfile.open(layer, "r:") as lower:
            known |= {_plain(entry.name): _rights(entry) for entry in lower if entry.isdir()}
    return {id(folder) for folder in alone if known.get(_plain(folder.name)) == _rights(folder)}


def _rights(member: tarfile.TarInfo) -> tuple[int, int, int]:
    """Return mode, user and group; engines differ in whether the mode in a layer tells the kind, too."""
    return member.mode & 0o7777, member.uid, member.gid


def _plain(name: str) -> str:
    return name.removeprefix("./").rstrip("/")


def _clean(member: tarfile.TarInfo, epoch: int) -> None:
    member.mtime = min(int(member.mtime), epoch)
    member.uname = member.gname = ""
    kept = {key: value for key, value in member.pax_headers.items() if key.startswith("SCHILY.xattr.")}
    member.pax_headers = kept


def _restored(content: IO[bytes] | None, size: int, restored: Mapping[str, bytes]) -> bytes | None:
    if content is None or size > _IN_MEMORY:
        return None
    digest = hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]
    content.seek(0)
    return restored.get(digest)


def _canonical(config: Mapping[str, Any], kept: int, layers: Sequence[Layer], *, epoch: int) -> bytes:
    created = datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    canonical = {key: value for key, value in config.items() if key in _CONFIG_KEPT}
    canonical["config"] = {
        key: value
        for key, value in (config.get("config") or {}).items()
        if key not in _RUN_CONFIG_DROPPED and value not in (None, "", False, [], {})
    }
    canonical["created"] = created
    canonical["history"] = list(_history(config.get("history") or (), kept, created))
    canonical["rootfs"] = {
        "type": "layers",
        "diff_ids": [*config["rootfs"]["diff_ids"][:kept], *(layer.diff_id for layer in layers)],
    }
    return json.dumps(canonical, sort_keys=True, separators=(",", ":")).encode()


def _history(entries: Iterable[Mapping[str, Any]], kept: int, created: str) -> Iterator[dict[str, Any]]:
    """Yield the history with one date; the base's own entries stay as they are."""
    seen = 0
    for entry in entries:
        if seen < kept:
            seen += not entry.get("empty_layer", False)
            yield dict(entry)
            continue
        clean = {"created": created, "created_by": without_hardening(str(entry.get("created_by", "")))}
        yield clean | ({"empty_layer": True} if entry.get("empty_layer") else {})


class _Stream(io.RawIOBase):
    """A stream over blocks of bytes."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks, self._rest = iter(blocks), b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        parts, have = [self._rest], len(self._rest)
        while size < 0 or have < size:
            block = next(self._blocks, b"")
            if not block:
                break
            parts.append(block)
            have += len(block)
        content = b"".join(parts)
        cut = len(content) if size < 0 else size
        self._rest = content[cut:]
        return content[:cut]
