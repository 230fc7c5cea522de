"""What the Go linker leaves in a program: its version, the modules it was built from, and the settings of the build.

Layout of `.go.buildinfo` since Go 1.18: `debug/buildinfo` of Go's standard library. Older programs hold pointers there,
which are not followed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.binary import elf_tables as tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from orchestrator.binary.elf_tables import Section

_MAGIC = b"\xff Go buildinf:"
_FLAGS, _TEXTS = 15, 32  # offsets: the flags' byte, the first text
_INLINE = 2  # the flag of texts that stand right here
_MARK = 16  # bytes before and after the modules, which say nothing
_LONGEST = 1 << 20  # bytes; a thousand modules take a tenth of it
_KINDS = frozenset({"path", "mod", "dep", "=>", "build"})


def read_go(view: memoryview, sections: Iterable[Section]) -> tuple[str, ...]:
    """Return what `go version -m` shows: the version, then lines such as `dep golang.org/x/sys v0.1.0 h1:…`.

    Empty for a program that no Go linker made, and for one that is broken.
    """
    section = next((section for section in sections if section.name == ".go.buildinfo"), None)
    if section is None:
        return ()
    content = bytes(tables.content_of(view, section)[:_LONGEST])
    if not content.startswith(_MAGIC) or len(content) <= _TEXTS or not content[_FLAGS] & _INLINE:
        return ()
    try:
        version, place = _text(content, _TEXTS)
        modules, _ = _text(content, place)
    except IndexError:
        return ()
    return (version.decode("utf-8", "replace"), *_lines(modules[_MARK:-_MARK].decode("utf-8", "replace")))


def modules_of(go: Iterable[str]) -> tuple[str, ...]:
    """Return `module version` of the dependencies, as the build took them: a replaced one by what replaces it."""
    found: list[str] = []
    for line in go:
        kind, *words = line.split(" ")
        if kind == "=>" and found:
            found.pop()
        if kind in {"dep", "=>"} and words:
            found.append(" ".join(words[:2]))
    return tuple(found)


def _lines(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        kind, *words = line.split("\t")
        if kind in _KINDS and words:
            yield " ".join((kind, *words))


def _text(content: bytes, place: int) -> tuple[bytes, int]:
    """Return the text behind its length (a base-128 number), and the place behind it.

    Raises:
        IndexError: the content ends before it does.
    """
    length = shift = 0
    while True:
        byte = content[place]
        length |= (byte & 0x7F) << shift
        shift, place = shift + 7, place + 1
        if not byte & 0x80:
            break
    if place + length > len(content):
        raise IndexError
    return content[place : place + length], place + length
