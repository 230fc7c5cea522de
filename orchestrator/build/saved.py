"""An image's archive as the engine saves it, layer by layer on disk."""

from __future__ import annotations

import io
import json
import tarfile
import zlib
from typing import IO, TYPE_CHECKING

from orchestrator.engine.blocks import BlockStream
from orchestrator.errors import ImageBuildFailedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_IN_MEMORY = 8 * 1024 * 1024
_BLOCK = 1 << 20
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_GZIP_WINDOW = 31
"""zlib's way to say: the largest window, with gzip's header."""


class SavedImage:
    """An image's archive as `docker save` gives it: the configuration, and each layer by its diff id on disk.

    The archive is a stream and its manifest comes last, so layers are put aside as they come. A layer that holds what
    an earlier one holds is a link to that one (engine 25 and newer name blobs by digest instead).
    """

    def __init__(self, blocks: Iterable[bytes], folder: Path) -> None:
        blobs: dict[str, Path] = {}
        texts: dict[str, bytes] = {}
        links: dict[str, str] = {}
        with tarfile.open(fileobj=BlockStream(blocks), mode="r|") as members:
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
    """Write a layer to disk, unpacked: containerd's image store keeps those of a registry as they came."""
    first = content.read(_BLOCK)
    if first.startswith(_ZSTD):
        raise _not_understood("a layer of it is packed with zstd; pull the base as another one, packed with gzip")
    unpack = zlib.decompressobj(wbits=_GZIP_WINDOW) if first.startswith(_GZIP) else None
    with path.open("wb") as out:
        while first:
            out.write(unpack.decompress(first) if unpack else first)
            first = content.read(_BLOCK)
        if unpack:
            out.write(unpack.flush())
    return path
