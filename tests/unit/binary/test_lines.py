"""Source lines out of `.debug_line`, held against what addr2line says of the same programs."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from orchestrator.binary import elf_tables as tables
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
    [("-gdwarf-5", "-O1"), ("-gdwarf-4", "-O2", "-ffunction-sections"), ("-gdwarf-3", "-O0")],
    ids=["DWARF 5", "DWARF 4, sections", "DWARF 3"],
)
def test_lines_of_c_are_those_of_addr2line(tmp_path: Path, flags: Sequence[str]) -> None:
    """One sequence for the whole file, or one for each function; files described in both ways."""
    asked, wrong = compared_with_addr2line(built(tmp_path, "till", *flags))
    assert asked > 5
    assert not wrong


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
