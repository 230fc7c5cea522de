"""Source lines out of `.debug_line`, held against what addr2line says of the same programs."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from orchestrator.binary import elf_tables as tables
from orchestrator.binary.compressed import plain_content
from orchestrator.binary.content.explain import explain_difference
from orchestrator.binary.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SOURCE = """#include <stdio.h>
static int grow(int base, int count) {
    int sum = 0;
    for (int n = 0; n < count; n++)
        sum += base * n;
    return sum;
}
__attribute__((noinline)) int pick(int n) {
    if (n > 3)
        return grow(n, 9);
    return n * FACTOR;
}
int main(int count, char **words) { return printf("%d %s", pick(count), words[0]) < 0; }
"""


def built(folder: Path, name: str, *flags: str, factor: int = 7) -> Path:
    (folder / "till.c").write_text(SOURCE)
    subprocess.run(["gcc", *flags, f"-DFACTOR={factor}", "till.c", "-o", name], check=True, cwd=folder)
    return folder / name


def compared_with_addr2line(program: Path) -> tuple[int, list[tuple[int, str | None, str]]]:
    """Return how many addresses were asked for, and those for which the answers differ."""
    view = memoryview(program.read_bytes())
    header = tables.read_header(view)
    symbols = tables.read_symbols(view, header, tables.read_sections(view, header), tables.SYMTAB)
    functions = [s for s in symbols if s.type == tables.FUNCTION and s.value and s.section and s.size][:300]
    places = [place for s in functions for place in {s.value, s.value + s.size // 2, s.value + s.size - 1}]
    said = subprocess.run(
        ["addr2line", "-e", str(program), *map(hex, places)], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    lines = Lines(view, header)
    wrong = []
    for place, text in zip(places, said, strict=True):
        found, expected = lines.line(place), text.split(" (")[0]
        if expected.startswith("??") or expected.endswith((":?", ":0")):
            same = found is None
        else:
            same = found is not None and found.rsplit("/", 1)[-1] == expected.rsplit("/", 1)[-1]
        if not same:
            wrong.append((place, found, expected))
    return len(places), wrong


@pytest.mark.parametrize(
    "flags",
    [
        ("-gdwarf-5", "-O1"),
        ("-gdwarf-4", "-O2", "-ffunction-sections"),
        ("-gdwarf-3", "-O0"),
        ("-g", "-O1", "-gz=zlib"),
        ("-g", "-O1", "-gz=zlib-gnu"),
        ("-g", "-O1", "-Wl,--compress-debug-sections=zstd"),
        ("-gdwarf-4", "-O1", "-gz=zlib"),
        ("-g", "-O1", "-gsplit-dwarf"),
        ("-gdwarf-4", "-O1", "-gsplit-dwarf"),
        ("-g", "-O1", "-gsplit-dwarf", "-gz=zlib"),
    ],
    ids=[
        *("DWARF 5", "DWARF 4, sections", "DWARF 3", "zlib", "zlib, GNU's old form", "zstd", "DWARF 4, zlib"),
        *("split", "split, DWARF 4", "split and compressed"),
    ],
)
def test_lines_of_c_are_those_of_addr2line(tmp_path: Path, flags: Sequence[str]) -> None:
    """One sequence for the whole file, or one for each function; files described in both ways; compressed; split."""
    asked, wrong = compared_with_addr2line(built(tmp_path, "till", *flags))
    assert asked > 5
    assert not wrong


@pytest.mark.parametrize(
    ("method", "head"),
    [("zlib", b"\x01\0\0\0"), ("zlib-gnu", b"ZLIB"), ("zstd", b"\x02\0\0\0")],
)
def test_what_is_compressed_is_read_and_what_is_damaged_is_not(tmp_path: Path, method: str, head: bytes) -> None:
    """The same texts come out; nothing does of another size, method or stream, or beyond what may be read."""
    view, header, section = _section(built(tmp_path, "plain", "-g").read_bytes())
    texts = bytes(plain_content(view, header, section, most=1 << 20))
    packed = built(tmp_path, "packed", "-g", f"-Wl,--compress-debug-sections={method}").read_bytes()
    view, header, section = _section(packed)
    assert bytes(view[section.offset : section.offset + 4]) == head
    found = plain_content(view, header, section, most=1 << 20)
    assert set(bytes(found).split(b"\0")) == set(texts.split(b"\0"))
    assert not plain_content(view, header, section, most=len(found) - 1)
    # The method; the lowest byte of the size; the stream.
    for place in (section.offset, section.offset + (11 if method == "zlib-gnu" else 8), section.end - 9):
        torn = bytearray(packed)
        torn[place] ^= 0x15
        assert bytes(plain_content(memoryview(torn), header, section, most=1 << 20)) != bytes(found)


def _section(program: bytes) -> tuple[memoryview, tables.Header, tables.Section]:
    """Return the section of texts of a program."""
    view = memoryview(program)
    header = tables.read_header(view)
    return view, header, next(s for s in tables.read_sections(view, header) if s.name.endswith("debug_str"))


@pytest.mark.cargo
def test_lines_of_rust_are_those_of_addr2line(rust_program: Path) -> None:
    """The standard library's and the program's own, hundreds of functions."""
    asked, wrong = compared_with_addr2line(rust_program)
    assert asked > 300
    assert not wrong


def test_a_function_that_differs_says_where_it_comes_from(tmp_path: Path) -> None:
    """Line 11 is where the factor stands; without debug information nothing is claimed."""
    pair = built(tmp_path, "a", "-g", "-O1"), built(tmp_path, "b", "-g", "-O1", factor=9)
    found = explain_difference(*pair)
    assert found is not None
    excerpt = next(one for one in found.instructions.excerpts if one.name == "pick")
    assert [side.rsplit("/", 1)[-1] for side in excerpt.source] == ["till.c:11", "till.c:11"]
    bare = built(tmp_path, "c", "-O1"), built(tmp_path, "d", "-O1", factor=9)
    found = explain_difference(*bare)
    assert found is not None
    assert {tuple(one.source) for one in found.instructions.excerpts} == {("", "")}
