"""An image archive as `docker load` takes it, made so that the same layers always give the same image ID."""

from __future__ import annotations

import hashlib
import io
import json
import posixpath
import stat
import tarfile
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import EngineUnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from orchestrator.engine.docker import Engine

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """An uncompressed layer tar on disk."""

    path: Path
    diff_id: str
    size: int


def layer_of(path: Path) -> Layer:
    """Return a layer for a tar on disk; its `diff_id` is the sha256 of the file."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return Layer(path=path, diff_id=f"sha256:{digest}", size=path.stat().st_size)


def image_config(
    layers: Sequence[tuple[str, str]], *, environment: Mapping[str, str], architecture: str, epoch: int, comment: str
) -> bytes:
    """Return the image's configuration; its sha256 is the image ID. `layers`: diff id, and what made it."""
    created = datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    config = {
        "architecture": architecture,
        "comment": comment,
        "config": {"Cmd": ["/bin/sh"], "Env": [f"{name}={value}" for name, value in environment.items()]},
        "created": created,
        "history": [{"created": created, "created_by": made_by} for _, made_by in layers],
        "os": "linux",
        "rootfs": {"diff_ids": [diff_id for diff_id, _ in layers], "type": "layers"},
    }
    return json.dumps(config, sort_keys=True, separators=(",", ":")).encode()


def image_id(config: bytes) -> str:
    """Return the ID of an image with this configuration; not every engine calls it so (`store.py`)."""
    return f"sha256:{hashlib.sha256(config).hexdigest()}"


def archive(config: bytes, layers: Sequence[Layer], *, parents: Sequence[str] = ()) -> Iterator[bytes]:
    """Yield the archive piece by piece; no layer is held in memory.

    Args:
        config: the image's configuration, which names all its layers.
        layers: the upper layers, which are sent.
        parents: diff ids of the layers below; the engine has them and takes them by their place in the chain.
    """
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    places = [f"{number:02}/layer.tar" for number, _ in enumerate(layers, start=len(parents))]
    below = [f"parent-{number:02}/layer.tar" for number, _ in enumerate(parents)]
    manifest = json.dumps([{"Config": name, "Layers": [*below, *places], "RepoTags": None}]).encode()
    yield from _member(name, len(config))
    yield from _padded(io.BytesIO(config), len(config))
    for place, layer in zip(places, layers, strict=True):
        yield from _member(place, layer.size)
        with layer.path.open("rb") as stream:
            yield from _padded(stream, layer.size)
    yield from _member("manifest.json", len(manifest))
    yield from _padded(io.BytesIO(manifest), len(manifest))
    yield b"\0" * (2 * tarfile.BLOCKSIZE)


def _member(name: str, size: int) -> Iterator[bytes]:
    entry = tarfile.TarInfo(name)
    entry.size = size
    yield entry.tobuf(tarfile.GNU_FORMAT)


def _padded(stream: io.BufferedIOBase, size: int) -> Iterator[bytes]:
    while block := stream.read(_BLOCK):
        yield block
    yield b"\0" * (-size % tarfile.BLOCKSIZE)


def load_over(
    engine: Engine,
    config: bytes,
    layers: Sequence[Layer],
    below: Callable[[str], Path],
    *,
    parents: Sequence[str],
    say: Callable[[str], None] = lambda _text: None,
) -> str:
    """Load an image by its upper layers, and return what the engine calls it.

    All layers are sent to an engine that no longer has those below, and to containerd's image store, which takes no
    others (measured on 28.5.2: `failed to resolve layers`).

    Args:
        engine: where to load it.
        config: the image's configuration, which names all its layers.
        layers: the upper layers.
        below: gives the tar of a layer below, by its diff id; called only where all are sent.
        parents: diff ids of the layers below.
        say: told what a person should know.

    Raises:
        NoSpaceError: the engine's disk is full.
        EngineUnreachableError: the connection broke, or the engine did not take the image.
    """
    if not engine.names_manifests:
        try:
            return engine.load(archive(config, layers, parents=parents))
        except EngineUnreachableError as error:
            if not parents:
                raise
            say(f"the engine did not take the upper layers alone, so all are sent: {error.message}")
    return engine.load(archive(config, [*(layer_of(below(diff_id)) for diff_id in parents), *layers]))


def load_files(
    engine: Engine, reference: str, files: Iterable[tuple[str, bytes | Path, int]], *, scratch: Path, mtime: int = 0
) -> str:
    """Make an image that holds just these files, unless the engine has it, and return its reference.

    Args:
        engine: where to load it.
        reference: the tag of our own that names the content; it is never given to anything else.
        files: (path, content or what lies on disk, mode), in the order in which they are stored. On disk it may be a
            file, a link, or a folder, of which the content is not taken. What is one file on disk is one in the image.
        scratch: folder for the layer while it is made.
        mtime: the files' time of change, seconds since 1970.
    """
    if engine.image(reference) is not None:
        return reference
    with tempfile.TemporaryDirectory(dir=scratch, prefix="layer-") as folder:
        path = Path(folder) / "layer.tar"
        with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
            layer_files = _Storing(tar, mtime)
            for name, content, mode in files:
                layer_files.store(name, content, mode)
        layer = layer_of(path)
        config = image_config(
            [(layer.diff_id, f"twinbuild: {reference}")],
            environment={},
            architecture=engine.version.architecture,
            epoch=0,
            comment=reference,
        )
        engine.tag(engine.load(archive(config, [layer])), reference)
    return reference


class _Storing:
    """Writes files into a layer. What is one file on disk (cargo gives a build script two names) is one in there."""

    def __init__(self, tar: tarfile.TarFile, mtime: int) -> None:
        self._tar, self._mtime = tar, mtime
        self._first: dict[tuple[int, int], str] = {}

    def store(self, name: str, content: bytes | Path, mode: int) -> None:
        entry = tarfile.TarInfo(name)
        entry.mode, entry.mtime = mode, self._mtime
        if isinstance(content, bytes):
            entry.size = len(content)
            self._tar.addfile(entry, io.BytesIO(content))
            return
        facts = content.lstat()
        first = self._first.setdefault((facts.st_dev, facts.st_ino), name)
        if stat.S_ISLNK(facts.st_mode):
            entry.type, entry.linkname = tarfile.SYMTYPE, str(content.readlink())
        elif stat.S_ISDIR(facts.st_mode):
            entry.type = tarfile.DIRTYPE
        elif first != name:
            entry.type, entry.linkname = tarfile.LNKTYPE, first
        else:
            entry.size = facts.st_size
            with content.open("rb") as stream:
                self._tar.addfile(entry, stream)
            return
        self._tar.addfile(entry)


def packed(files: Mapping[str, tuple[bytes, int]]) -> bytes:
    """Return files of one folder as a tar: content and mode by path."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path, (content, mode) in files.items():
            member = tarfile.TarInfo(posixpath.basename(path))
            member.size, member.mode = len(content), mode
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()
