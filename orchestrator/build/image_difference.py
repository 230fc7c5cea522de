"""How two images of one Dockerfile differ: every file of their upper layers, every byte range, every field."""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass
from itertools import zip_longest
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from orchestrator.build.saved import SavedImage

_BLOCK = 1 << 16
_NEAR = 16
"""Bytes: what lies nearer together than this counts as one range."""

_MOST_RANGES = 20
_FACTS = ("type", "mode", "uid", "gid", "mtime", "linkname", "size", "devmajor", "devminor")
_APART = frozenset({"rootfs", "history"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageDifference:
    """One file or one field of the configuration that is not the same in both images.

    Attributes:
        place: a path in the image, or a field (`config.Env`).
        what: `content`, `missing`, the attribute that differs (`mode`), or `field`.
        first, second: both values as text; None where there is none.
        ranges: differing bytes, (first, one behind the last), as many as are kept.
        more: how many further ranges there are.
        keyword, after: of the layer's instruction in the history, see `Leftover`; empty for a field.
    """

    place: str
    what: str
    first: str | None = None
    second: str | None = None
    ranges: tuple[tuple[int, int], ...] = ()
    more: int = 0
    keyword: str = ""
    after: int = 0


def image_differences(first: SavedImage, second: SavedImage, *, base_layers: int) -> Iterator[ImageDifference]:
    """Yield what differs, fields first, then files by layer and path.

    Args:
        first: an image's archive.
        second: the other one's.
        base_layers: how many layers both have from the same base; these are not looked at.
    """
    configs = json.loads(first.config), json.loads(second.config)
    yield from _fields(*configs)
    names = [config["rootfs"]["diff_ids"] for config in configs]
    entries = [entry for entry in configs[0].get("history") or () if not entry.get("empty_layer")]
    every = list(configs[0].get("history") or ())
    for number, (one, two) in enumerate(zip_longest(*names)):
        if one == two or number < base_layers:
            continue
        entry = entries[number] if number < len(entries) else {}
        keyword = str(entry.get("created_by", "")).partition(" ")[0]
        after = next((len(every) - 1 - place for place, each in enumerate(every) if each is entry), 0)
        layers = first.layer(one) if one else None, second.layer(two) if two else None
        yield from _files(*layers, keyword=keyword, after=after)


def byte_ranges(one: IO[bytes], two: IO[bytes]) -> Iterator[tuple[int, int]]:
    """Yield where two streams differ, as (first byte, one behind the last); what one has beyond the other differs."""
    begin = end = -1
    offset = 0
    while True:
        here, there = one.read(_BLOCK), two.read(_BLOCK)
        if not here and not there:
            break
        if here != there:
            for place in _unequal(here, there):
                if begin >= 0 and offset + place - end >= _NEAR:
                    yield begin, end
                    begin = -1
                begin = offset + place if begin < 0 else begin
                end = offset + place + 1
        offset += max(len(here), len(there))
    if begin >= 0:
        yield begin, end


def _unequal(here: bytes, there: bytes) -> Iterator[int]:
    shared = min(len(here), len(there))
    yield from (place for place in range(shared) if here[place] != there[place])
    yield from range(shared, max(len(here), len(there)))


def _fields(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[ImageDifference]:
    one, two = (dict(_flat(config, "")) for config in (first, second))
    for place in sorted({*one, *two}):
        if one.get(place) != two.get(place):
            yield ImageDifference(place=place, what="field", first=one.get(place), second=two.get(place))
    for number, (here, there) in enumerate(zip_longest(first.get("history") or (), second.get("history") or ())):
        if here != there:
            texts = [json.dumps(entry, sort_keys=True) if entry else None for entry in (here, there)]
            yield ImageDifference(place=f"history[{number}]", what="field", first=texts[0], second=texts[1])


def _flat(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, each in value.items():
            if path or name not in _APART:
                yield from _flat(each, f"{path}.{name}" if path else str(name))
    else:
        yield path, json.dumps(value, sort_keys=True)


def _files(first: Path | None, second: Path | None, *, keyword: str, after: int) -> Iterator[ImageDifference]:
    if first is None or second is None:
        place = "(a whole layer)"
        both = ("there", "missing") if first else ("missing", "there")
        yield ImageDifference(place=place, what="missing", first=both[0], second=both[1], keyword=keyword, after=after)
        return
    with tarfile.open(first, "r:") as one, tarfile.open(second, "r:") as two:
        here, there = ({member.name: member for member in tar.getmembers()} for tar in (one, two))
        for name in sorted({*here, *there}):
            place = f"/{name.removeprefix('./')}"
            mine, other = here.get(name), there.get(name)
            if mine is None or other is None:
                texts = ("missing", "there") if mine is None else ("there", "missing")
                yield ImageDifference(
                    place=place, what="missing", first=texts[0], second=texts[1], keyword=keyword, after=after
                )
                continue
            for what, before, now in _attributes(mine, other):
                yield ImageDifference(place=place, what=what, first=before, second=now, keyword=keyword, after=after)
            if mine.isreg() and other.isreg():
                yield from _content(place, _opened(one, mine), _opened(two, other), keyword=keyword, after=after)


def _attributes(mine: tarfile.TarInfo, other: tarfile.TarInfo) -> Iterator[tuple[str, str, str]]:
    for name in _FACTS:
        before, now = getattr(mine, name), getattr(other, name)
        if before != now:
            yield name, _told(name, before), _told(name, now)
    if mine.pax_headers != other.pax_headers:
        yield "extended attributes", str(sorted(mine.pax_headers)), str(sorted(other.pax_headers))


def _told(name: str, value: Any) -> str:
    if name == "mode":
        return f"{value:04o}"
    return value.decode() if isinstance(value, bytes) else str(value)


def _opened(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    stream = tar.extractfile(member)
    if stream is None:
        msg = "a regular file has content"
        raise AssertionError(msg)
    return stream


def _content(place: str, one: IO[bytes], two: IO[bytes], *, keyword: str, after: int) -> Iterator[ImageDifference]:
    kept: list[tuple[int, int]] = []
    more = 0
    for found in byte_ranges(one, two):
        if len(kept) < _MOST_RANGES:
            kept.append(found)
        else:
            more += 1
    if kept:
        shown = [_quoted(stream, kept[0]) for stream in (one, two)]
        yield ImageDifference(
            place=place,
            what="content",
            first=shown[0],
            second=shown[1],
            ranges=tuple(kept),
            more=more,
            keyword=keyword,
            after=after,
        )


def _quoted(stream: IO[bytes], span: tuple[int, int]) -> str:
    """Return the bytes of a range as a text that may be shown, at most 32 of them."""
    stream.seek(span[0])
    content = stream.read(min(32, span[1] - span[0]))
    text = content.decode("ascii", "replace")
    return text if text.isprintable() and text.isascii() else content.hex(" ")
