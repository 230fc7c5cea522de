"""The loader's cache, /etc/ld.so.cache: which file a library name means.

glibc looks here and never into ld.so.conf. Two layouts exist: `glibc-ld.so.cache1.1` alone, and the same behind an
older `ld.so-1.7.0` table (glibc's sysdeps/generic/dl-cache.h).
"""

from __future__ import annotations

import struct

_NEW = b"glibc-ld.so.cache1.1"
_OLD = b"ld.so-1.7.0\x00"
_OLD_HEAD = struct.Struct("<12xI")
_OLD_ENTRY = 12
_HEAD = struct.Struct("<20xI24x")
_ENTRY = struct.Struct("<iIIIQ")
_MOST_ENTRIES = 1 << 16


def read_cache(content: bytes) -> dict[str, tuple[str, ...]]:
    """Return the files for each library name, those for every processor of the family first.

    A damaged cache gives what could be read of it, as the loader itself takes what it finds.
    """
    start = _start(content)
    if start is None or len(content) < start + _HEAD.size:
        return {}
    (count,) = _HEAD.unpack_from(content, start)
    entries = []
    for index in range(min(count, _MOST_ENTRIES)):
        position = start + _HEAD.size + index * _ENTRY.size
        if position + _ENTRY.size > len(content):
            break
        _, key, value, _, hardware = _ENTRY.unpack_from(content, position)
        entries.append((hardware != 0, _text(content, start + key), _text(content, start + value)))
    found: dict[str, tuple[str, ...]] = {}
    for _, name, path in sorted(entries, key=lambda entry: entry[0]):
        if name and path:
            found[name] = (*found.get(name, ()), path)
    return found


def _start(content: bytes) -> int | None:
    if content.startswith(_NEW):
        return 0
    if not content.startswith(_OLD) or len(content) < _OLD_HEAD.size:
        return None
    (count,) = _OLD_HEAD.unpack_from(content)
    # The new table begins at the next multiple of 8, the alignment of its entries.
    start = -(-(_OLD_HEAD.size + count * _OLD_ENTRY) // 8) * 8
    return start if content[start : start + len(_NEW)] == _NEW else None


def _text(content: bytes, position: int) -> str:
    end = content.find(b"\x00", position)
    return content[position:end].decode(errors="replace") if end >= 0 else ""
