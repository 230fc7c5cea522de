"""Profiles of Windows and macOS programs are the same whichever LIEF release has read the file.

LIEF reads these two formats alone (`orchestrator/binary/foreign.py`); ELF is read by the product itself. The programs
are made here, and what their profiles must say is kept beside this file, so that a new release that says otherwise is
seen when it is locked. Digest and size belong to the file, which the linker's version may change, and are left out.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).parent / "golden"
ROOT = Path(__file__).resolve().parents[3]
OTHERS = ("0.15.1", "0.16.7", "0.17.6")
"""The last of each series before the one in requirements.lock."""

LIBRARY = '.globl answer\n.text\nanswer: movl $42, %eax\n ret\n.section .drectve\n .ascii " -export:answer"\n'
PROGRAM = ".globl start\n.text\nstart: call answer\n ret\n.data\n .long 7\n"
READ = """\
import json, sys
from pathlib import Path
import lief
from orchestrator.binary.profile import profile_to_json
from orchestrator.binary.read import read_profile
print(json.dumps([lief.__version__, *(profile_to_json(read_profile(Path(path))) for path in sys.argv[1:])]))
"""


def run(folder: Path, *command: str, text: str | None = None) -> None:
    subprocess.run(command, input=text, text=True, check=True, cwd=folder)


def windows(folder: Path) -> tuple[Path, Path]:
    """Make a program for Windows that needs a library, and the library: GNU ld writes PE from x86-64 code."""
    for name, text in (("library", LIBRARY), ("program", PROGRAM)):
        run(folder, "as", "--64", "-o", f"{name}.elf", "-", text=text)
        run(folder, "objcopy", "-O", "pe-x86-64", f"{name}.elf", f"{name}.obj")
    linked = ("ld", "-m", "i386pep", "--no-insert-timestamp")
    run(folder, *linked, "-shared", "-e", "0", "library.obj", "-o", "library.dll")
    hardened = ("--dynamicbase", "--nxcompat", "--high-entropy-va")
    run(folder, *linked, *hardened, "-e", "start", "program.obj", "library.dll", "-o", "windows.exe")
    return folder / "windows.exe", folder / "library.dll"


def macos(path: Path) -> Path:
    """Write a program for macOS: two sections, a library that it needs, and the symbol of its stack protector."""

    def named(name: str) -> bytes:
        return name.encode().ljust(16, b"\0")

    library = b"/usr/lib/libSystem.B.dylib".ljust(32, b"\0")
    symbols = b"\0___stack_chk_fail\0___memcpy_chk\0"
    sizes = (72 + 2 * 80, 24 + len(library), 24)
    start = 32 + sum(sizes)
    sections = b"".join(
        named(name) + named("__TEXT") + struct.pack("<QQ8I", (1 << 32) + at, size, at, 0, 0, 0, 0, 0, 0, 0)
        for name, at, size in (("__text", start, 16), ("__cstring", start + 16, 8))
    )
    segment = struct.pack("<II", 0x19, sizes[0]) + named("__TEXT")
    segment += struct.pack("<QQQQiiII", 1 << 32, 0x1000, 0, 0x1000, 5, 5, 2, 0) + sections
    needs = struct.pack("<6I", 0xC, sizes[1], 24, 2, 0x10000, 0x10000) + library
    table = b"".join(struct.pack("<IBBHQ", at, 1, 0, 0x100, 0) for at in (1, 19))
    lists = struct.pack("<6I", 2, 24, start + 24, 2, start + 24 + len(table), len(symbols))
    header = struct.pack("<8I", 0xFEEDFACF, 0x01000007, 3, 2, 3, sum(sizes), 0x1200085, 0)
    path.write_bytes((header + segment + needs + lists + bytes(24) + table + symbols).ljust(0x1000, b"\0"))
    return path


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the programs by the name of what their profile must say."""
    folder = tmp_path_factory.mktemp("foreign")
    program, library = windows(folder)
    return {"windows": program, "library": library, "macos": macos(folder / "macos")}


def profiles(programs: dict[str, Path], *places: Path) -> tuple[str, dict[str, dict[str, Any]]]:
    """Read them with the LIEF that is found first; return its version and the profiles."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (*places, ROOT)))}
    done = subprocess.run(
        [sys.executable, "-c", READ, *map(str, programs.values())],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    assert not done.stderr
    version, *read = json.loads(done.stdout)
    kept = [{name: value for name, value in profile.items() if name not in {"sha256", "size"}} for profile in read]
    return version, dict(zip(programs, kept, strict=True))


def test_the_locked_release_says_what_is_written_down(programs: dict[str, Path]) -> None:
    """The files under `golden/`."""
    _, read = profiles(programs)
    for name, profile in read.items():
        assert profile == json.loads((GOLDEN / f"{name}.json").read_text()), name


@pytest.mark.parametrize("release", OTHERS)
def test_other_releases_say_the_same(programs: dict[str, Path], tmp_path: Path, release: str) -> None:
    """An enumeration that is called otherwise, or a count that begins elsewhere, would change the record."""
    run(
        tmp_path,
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "install", "--no-deps"),
        *("--only-binary", ":all:", "--target", str(tmp_path / "lief"), f"lief=={release}"),
    )
    version, read = profiles(programs, tmp_path / "lief")
    assert version.startswith(release)
    for name, profile in read.items():
        assert profile == json.loads((GOLDEN / f"{name}.json").read_text()), name
