"""Sections of debug information that are kept compressed: `SHF_COMPRESSED` (ELF gABI) and GNU's older `.zdebug_*`.

What comes out is bounded by its caller, whatever a file says of itself.
"""

from __future__ import annotations

import ctypes
import struct
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING

from orchestrator.binary import elf_tables as tables

if TYPE_CHECKING:
    from orchestrator.binary.elf_tables import Header, Section

_ZLIB, _ZSTD = 1, 2  # ELFCOMPRESS_ZLIB, ELFCOMPRESS_ZSTD
_MOST_UNPACKED = 1 << 25  # bytes; the texts of a program of 42 MB take a fifth of it
_OLD_HEAD = 12  # `ZLIB` and the plain size, eight bytes, big end first
_ZSTD_LIBRARY = "libzstd.so.1"
"""Debian's dpkg and rpm need it, so nearly every machine has it; Python has a module of its own from 3.14 on."""


def plain_content(view: memoryview, header: Header, section: Section | None, *, most: int) -> memoryview:
    """Return a section's bytes as they were before they were compressed.

    Args:
        view: the file.
        header: its header, for byte order and width.
        section: None for one that is not there.
        most: bytes; a larger section counts as empty, as does one that is damaged, that unpacks to more than 32 MB, or
            that is compressed in a way that this machine cannot undo.
    """
    if section is None or section.size > most:
        return view[:0]
    content = tables.content_of(view, section)
    if section.flags & tables.COMPRESSED:
        layout = struct.Struct(header.order + ("IIQQ" if header.wide else "III"))
        if len(content) < layout.size:
            return view[:0]
        kind, *rest = layout.unpack_from(content)
        size = rest[1] if header.wide else rest[0]  # the wide form has a reserved word before it
        return _plain(content[layout.size :], kind, size, most)
    if section.name.startswith(".zdebug") and bytes(content[:4]) == b"ZLIB":
        return _plain(content[_OLD_HEAD:], _ZLIB, int.from_bytes(content[4:_OLD_HEAD], "big"), most)
    return content


def _plain(content: memoryview, kind: int, size: int, most: int) -> memoryview:
    found, most = b"", min(most, _MOST_UNPACKED)
    if 0 < size <= most and kind == _ZLIB:
        try:
            found = zlib.decompressobj().decompress(content, size)
        except zlib.error:
            found = b""
    elif 0 < size <= most and kind == _ZSTD:
        found = _from_zstd(bytes(content), size)
    return memoryview(found if len(found) == size else b"")


def _from_zstd(content: bytes, size: int) -> bytes:
    library = _zstd()
    if library is None:
        return b""
    plain = ctypes.create_string_buffer(size)
    made = library.ZSTD_decompress(plain, ctypes.c_size_t(size), content, ctypes.c_size_t(len(content)))
    return b"" if library.ZSTD_isError(ctypes.c_size_t(made)) else plain.raw[:made]


@lru_cache(maxsize=1)
def _zstd() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(_ZSTD_LIBRARY)
    except OSError:
        return None
    library.ZSTD_decompress.restype = ctypes.c_size_t
    return library
