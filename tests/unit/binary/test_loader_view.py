"""The loader's view of ELF files, held against LIEF on every library of this machine, and on damaged ones."""

from __future__ import annotations

import random
import struct
import subprocess
from pathlib import Path

import lief
import pytest

from orchestrator.binary.loading.elf import view_elf
from orchestrator.binary.loading.ldcache import read_cache

HOST = Path("/lib/x86_64-linux-gnu")


def system_files() -> list[Path]:
    files = {path.resolve() for path in [*HOST.glob("*.so*"), *Path("/usr/bin").iterdir()] if path.is_file()}
    return sorted(path for path in files if path.stat().st_size < 3_000_000 and path.read_bytes()[:4] == b"\x7fELF")


def test_this_machines_programs_and_libraries_read_as_lief_reads_them() -> None:
    """Needed libraries, SONAME, interpreter, paths and versions of a few hundred real files."""
    files = random.Random(7).sample(system_files(), 60)  # noqa: S311 - a sample, not a secret
    for path in files:
        view, said = view_elf(path.read_bytes()), lief.ELF.parse(str(path))
        assert view is not None, path
        assert view.damage is None, path
        assert list(view.needed) == list(said.libraries), path
        assert view.interpreter == (said.interpreter if said.has_interpreter else None), path
        tags = {str(entry.tag).rsplit(".", 1)[-1]: entry for entry in said.dynamic_entries}
        assert view.soname == (tags["SONAME"].name if "SONAME" in tags else None), path
        assert view.runpath == (tags["RUNPATH"].runpath if "RUNPATH" in tags else ""), path
        asked = [
            (record.name, version.name)
            for record in said.symbols_version_requirement
            for version in record.get_auxiliary_symbols()
        ]
        assert [(version.library, version.name) for version in view.asked] == asked, path
        defined = [next(iter(record.auxiliary_symbols)).name for record in said.symbols_version_definition]
        assert list(view.defined) == defined, path


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh", b"MZ"])
def test_what_is_no_elf_file_has_no_view(content: bytes) -> None:
    """Told apart from a damaged one."""
    assert view_elf(content) is None


def test_an_object_file_cannot_be_started(tmp_path: Path) -> None:
    """The kernel takes programs and shared libraries alone."""
    source = b"int f(void) { return 1; }"
    subprocess.run(["gcc", "-c", "-x", "c", "-", "-o", str(tmp_path / "x.o")], input=source, check=True)
    view = view_elf((tmp_path / "x.o").read_bytes())
    assert view is not None
    assert "object file" in (view.damage or "")


def test_32_bit_and_big_endian_headers_are_understood() -> None:
    """Class and byte order come from the file itself."""
    identification = b"\x7fELF" + bytes([1, 2, 1]) + bytes(9)
    content = identification + struct.pack(">HHIIIIIHHHHHH", 2, 8, 1, 0, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    content += struct.pack(">IIIIIIII", 3, 84, 0, 0, 8, 8, 4, 1) + b"/lib/ld\x00"
    view = view_elf(content)
    assert view is not None
    assert (view.bits, view.machine, view.interpreter, view.damage) == (32, 8, "/lib/ld", None)


def test_damaged_files_never_raise() -> None:
    """Random bytes in headers, tables and anywhere: a view, with or without damage, and no endless loop."""
    content, dice = (HOST / "libc.so.6").resolve().read_bytes(), random.Random(11)  # noqa: S311 - a fixed sequence
    for _ in range(60):
        changed = bytearray(content)
        for _ in range(dice.randint(1, 30)):
            changed[dice.choice([dice.randrange(4, 0x400), dice.randrange(4, len(changed))])] = dice.randrange(256)
        cut = dice.choice([len(changed), dice.randrange(4, len(changed))])
        assert view_elf(bytes(changed[:cut])) is not None


def test_the_cache_reads_as_ldconfig_prints_it() -> None:
    """Names and files of this machine's own cache."""
    printed = subprocess.run(["/sbin/ldconfig", "-p"], check=True, capture_output=True, text=True).stdout
    expected = {}
    for line in printed.splitlines()[1:]:
        if " => " in line:
            name, path = line.strip().split(" => ")
            expected.setdefault(name.split(" (")[0], set()).add(path)
    found = read_cache(Path("/etc/ld.so.cache").read_bytes())
    assert {name: set(paths) for name, paths in found.items()} == expected


def test_the_older_cache_layout_holds_the_newer_one() -> None:
    """Older images prepend a table that nobody reads any more."""
    new = Path("/etc/ld.so.cache").read_bytes()
    for entries in (0, 1, 5):
        old = b"ld.so-1.7.0\x00" + struct.pack("<I", entries) + bytes(12 * entries)
        padding = bytes(-len(old) % 8)
        assert read_cache(old + padding + new) == read_cache(new)


@pytest.mark.parametrize("size", [0, 10, 47, 48, 100, 3000])
def test_a_cut_cache_gives_what_it_has(size: int) -> None:
    """Never an error: the loader itself goes on without."""
    assert isinstance(read_cache(Path("/etc/ld.so.cache").read_bytes()[:size]), dict)
