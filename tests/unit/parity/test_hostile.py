"""Files that anybody may have made: each ends in a comparison, never in a crash, and in bounded time and memory."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from orchestrator.binary import elf_tables as tables
from orchestrator.binary.content.explain import explain_difference
from orchestrator.binary.read import read_profile
from orchestrator.parity.aspects import look_at
from orchestrator.parity.cause import diagnose
from orchestrator.parity.compare import compare
from orchestrator.parity.extent import extent
from orchestrator.parity.worth_reading import worth_reading

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCE = b"""
#include <stdio.h>
#include <stdlib.h>
__attribute__((noinline)) int pick(int n) {
  switch (n) { case 0: return 7; case 1: return 9; case 2: return 4; case 3: return 77; case 4: abort(); }
  return n * 42; }
int main(int count, char **words) { printf("%d %s\\n", pick(count), words[0]); return 0; }
"""
ODD = (0, 1, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 63, (1 << 64) - 1)


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Return a program with symbols and lines, also compressed ones, one without, and one in C++ with handlers."""
    folder = tmp_path_factory.mktemp("seeds")
    cxx = b"#include <stdexcept>\nint main(int n, char **) { try { if (n > 3) throw n; } catch (int e) { return e; } }"
    for name, command, source in (
        ("whole", ["gcc", "-x", "c", "-O2", "-g"], SOURCE),
        ("bare", ["gcc", "-x", "c", "-O1", "-s"], SOURCE),
        *(
            (f"packed-{method}", ["gcc", "-x", "c", "-O2", "-g", f"-Wl,--compress-debug-sections={method}"], SOURCE)
            for method in ("zlib", "zlib-gnu", "zstd")
        ),
        ("cxx", ["g++", "-x", "c++", "-O1"], cxx),
    ):
        if name == "cxx" and subprocess.run(["which", "g++"], capture_output=True, check=False).returncode:
            continue
        subprocess.run([*command, "-", "-o", str(folder / name)], input=source, check=True)
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def compared(local: Path, image: Path) -> Any:
    """Do all that `invoke compare` does but for the printing."""
    here, there = read_profile(local), read_profile(image)
    content = explain_difference(local, image) if worth_reading(here, there) else None
    comparison = compare(here, there, own=("backend",), content=content)
    if comparison.difference is not None:
        assert diagnose(comparison.difference)
        assert look_at(comparison.difference)
        assert extent(comparison.difference)
    return comparison


# Where the damage goes: the header, the program headers, the section headers, or anywhere.
PLACES = st.tuples(st.sampled_from(["header", "segments", "sections", "any"]), st.integers(0, (1 << 24) - 1))
VALUES = st.tuples(st.sampled_from(ODD) | st.integers(0, 255), st.sampled_from([1, 2, 4, 8]))


def damaged(content: bytes, damage: list[tuple[tuple[str, int], tuple[int, int]]], kept: float) -> bytes:
    changed = bytearray(content)
    table = int.from_bytes(content[40:48], "little")
    for (where, position), (value, width) in damage:
        start, size = {
            "header": (4, 60),
            "segments": (64, 56 * 13),
            "sections": (table, len(content) - table),
            "any": (0, len(content)),
        }[where]
        place = start + position % max(size, 1)
        changed[place : place + width] = (value & ((1 << 8 * width) - 1)).to_bytes(width, "little")
    return bytes(changed[: max(1, int(len(changed) * kept))])


@given(
    seed=st.integers(0, 2),
    damage=st.lists(st.tuples(PLACES, VALUES), min_size=1, max_size=8),
    kept=st.just(1.0) | st.floats(0, 1),
    both=st.booleans(),
)
@example(seed=0, damage=[(("sections", 0), (0, 1))], kept=0.001, both=True)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_ends_in_a_comparison(
    seeds: list[bytes], tmp_path: Path, *, seed: int, damage: Any, kept: float, both: bool
) -> None:
    """Any damage to headers, tables and contents, cut off or not, on one side or on both."""
    content = seeds[seed % len(seeds)]
    local, image = tmp_path / "local", tmp_path / "image"
    broken = damaged(content, damage, kept)
    image.write_bytes(broken)
    local.write_bytes(damaged(content, damage[:1], 1.0) if both else content)
    compared(local, image)


@given(
    content=st.binary(max_size=300),
    head=st.sampled_from([b"", b"\x7fELF\x02\x01\x01", b"MZ", b"\xcf\xfa\xed\xfe", b"#!"]),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_end_in_a_comparison(seeds: list[bytes], tmp_path: Path, content: bytes, head: bytes) -> None:
    """Whatever lies at the program's path, with or without the beginning of a program."""
    local, image = tmp_path / "local", tmp_path / "image"
    local.write_bytes(seeds[0])
    image.write_bytes(head + content)
    compared(local, image)


def grown(seed: bytes, path: Path, size: int) -> Path:
    """Write a program that is followed by a hole: it takes no room on the disk and all the time to read."""
    path.write_bytes(seed)
    os.truncate(path, size)
    return path


def test_a_gigabyte_is_read_in_bounded_memory(seeds: list[bytes], tmp_path: Path) -> None:
    """What was read is given back: the process stays below 500 MB."""
    paths = [grown(seed, tmp_path / f"large-{number}", 1 << 30) for number, seed in enumerate(seeds[:2])]
    code = (
        "import resource, sys; from pathlib import Path; from orchestrator.binary.read import read_profile;"
        "profiles = [read_profile(Path(path)) for path in sys.argv[1:]];"
        "assert all(profile.size == 1 << 30 for profile in profiles);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code, *map(str, paths)], check=True, capture_output=True, text=True)
    assert int(done.stdout) < 500


@pytest.fixture
def described() -> Callable[[Path], str | None]:
    """Return a reader of what is wrong with a file."""
    return lambda path: read_profile(path).damage


def test_a_symbol_table_without_end_is_damage(
    seeds: list[bytes], tmp_path: Path, described: Callable[[Path], str | None]
) -> None:
    """A table that covers the file many times over is not walked."""
    content = bytearray(seeds[0])
    table = int.from_bytes(content[40:48], "little")
    for index in range(1, int.from_bytes(content[60:62], "little")):
        place = table + index * 64 + 24
        content[place : place + 16] = (0).to_bytes(8, "little") + len(content).to_bytes(8, "little")
    path = tmp_path / "greedy"
    path.write_bytes(content)
    assert "claim" in (described(path) or "")


def test_sections_that_unpack_to_gigabytes_are_not_all_unpacked(seeds: list[bytes], tmp_path: Path) -> None:
    """Two hundred sections of 32 kB, each of which says that 32 MB come out of it: seconds and 6 GB, were all read."""
    content = bytearray(seeds[-1])
    bomb = struct.pack("<IIQQ", 1, 0, 1 << 25, 1) + zlib.compress(bytes(1 << 25))
    content += bytes(-len(content) % 8)
    table, place = int.from_bytes(content[40:48], "little"), len(content)
    count = int.from_bytes(content[60:62], "little")
    headers = [bytearray(content[table + 64 * n : table + 64 * (n + 1)]) for n in range(count)]
    names = int.from_bytes(headers[-1][24:32], "little")
    texts = next(h for h in headers if content[names + int.from_bytes(h[:4], "little") :].startswith(b".debug_str\0"))
    texts[8:16] = (tables.COMPRESSED).to_bytes(8, "little")
    texts[24:40] = struct.pack("<QQ", place, len(bomb))
    content += bomb + bytes(3 << 20) + b"".join([*headers, *[bytes(texts)] * 200])
    content[40:48] = (place + len(bomb) + (3 << 20)).to_bytes(8, "little")
    content[60:62] = (count + 200).to_bytes(2, "little")
    path = tmp_path / "bombs"
    path.write_bytes(content)
    began = time.process_time()
    profile = read_profile(path)
    assert sum(part.name == ".debug_str" and part.flags == "C" for part in profile.sections) == 201
    assert profile.damage is None
    assert time.process_time() - began < 2


def test_a_function_may_be_named_like_a_number(tmp_path: Path) -> None:
    """A name takes an operand's place when functions are shown, and nothing reads it as a number."""
    paths = []
    for number in (3, 4):
        source = f"""int volatile sink; __attribute__((noinline, noclone)) void xodd(void) {{ sink = 1; }}
        int main(int count, char **words) {{ (void)words; xodd(); return count * {number} + (count >> {number}); }}"""
        path = tmp_path / f"{number}"
        subprocess.run(["gcc", "-x", "c", "-O1", "-", "-o", str(path)], input=source.encode(), check=True)
        path.write_bytes(path.read_bytes().replace(b"\0xodd\0", b"\x009odd\0"))
        paths.append(path)
    found = compared(paths[0], paths[1])
    assert [pair.local.name for pair in found.difference.content.bodies.changed] == ["main"]
