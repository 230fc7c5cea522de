"""The ELF reader of our own, held against LIEF on real programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lief
import pytest

from orchestrator.binary.elf_tables import TableDamageError, read_header, read_sections, read_segments
from orchestrator.binary.names import hash_free
from orchestrator.binary.read import read_profile

SYSTEM = [path for name in ("bash", "ls", "gcc", "python3") if (path := Path("/usr/bin") / name).exists()]


def agrees(path: Path) -> None:
    binary: Any = lief.ELF.parse(str(path))
    profile = read_profile(path)
    assert [(part.name, part.size) for part in profile.sections] == [
        (section.name, section.size) for section in binary.sections if "NULL" not in str(section.type)
    ]
    assert profile.needed == tuple(binary.libraries)
    assert profile.interpreter == (binary.interpreter if binary.has_interpreter else None)
    assert profile.versions == tuple(
        f"{library.name} {version.name}"
        for library in binary.symbols_version_requirement
        for version in library.get_auxiliary_symbols()
    )
    named = sorted((hash_free(s.name), s.size) for s in binary.symtab_symbols if s.is_function and s.value and s.shndx)
    assert [tuple(function) for function in profile.functions or ()] == named
    assert (profile.kind == "pie") == binary.is_pie


def test_a_c_program_reads_the_same(c_program: Path) -> None:
    """Sections, libraries, versions, loader, functions and kind, as LIEF has them."""
    agrees(c_program)


@pytest.mark.cargo
def test_a_rust_program_reads_the_same(rust_program: Path) -> None:
    """With 14,000 symbols of both manglings."""
    agrees(rust_program)


@pytest.mark.parametrize("path", SYSTEM, ids=lambda path: path.name)
def test_a_program_of_the_system_reads_the_same(path: Path) -> None:
    """Stripped, and made by others."""
    agrees(path.resolve())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x7fELF", "within the ELF header"),
        (b"\x7fELF\x09\x01" + bytes(60), "class or byte order"),
        (b"\x7fELF\x02\x01" + bytes(50), "within the ELF header"),
    ],
)
def test_a_broken_header_says_what_is_wrong(content: bytes, words: str) -> None:
    """The message is a clause that follows "it is damaged:"."""
    with pytest.raises(TableDamageError, match=words):
        read_header(memoryview(content))


def test_tables_outside_of_the_file_are_damage(c_program: Path) -> None:
    """Both tables are looked for before they are read."""
    content = bytearray(c_program.read_bytes())
    for place, read in ((32, read_segments), (40, read_sections)):
        broken = bytearray(content)
        broken[place : place + 8] = (len(content) - 10).to_bytes(8, "little")
        view = memoryview(bytes(broken))
        with pytest.raises(TableDamageError, match="end at"):
            read(view, read_header(view))
