"""What the Go linker leaves in a program, read as `go version -m` reads it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.binary import elf_tables as tables
from orchestrator.binary.go import modules_of, read_go
from orchestrator.binary.read import read_profile
from orchestrator.parity.compare import compare

if TYPE_CHECKING:
    from pathlib import Path

MODULES = (
    "path\texample.org/service/cmd/service\n"
    "mod\texample.org/service\t(devel)\t\n"
    "dep\tgolang.org/x/sys\tv0.15.0\th1:abc=\n"
    "dep\texample.org/fork\tv1.0.0\n"
    "=>\texample.org/mended\tv1.0.1\th1:def=\n"
    "build\t-compiler=gc\n"
)


def information(version: str = "go1.22.1", modules: str = MODULES) -> bytes:
    """Return the section's content as Go 1.18 and newer write it."""
    marked = (
        b"0w\xaf\x0c\x92t\x08\x02A\xe1\xc1\x07\xe6\xd6\x18\xe6"
        + modules.encode()
        + b"\xf92C1\x86\x18 r\x00\x82B\x10A\x16\xd8\xf2"
    )
    texts = b"".join(_length(len(text)) + text for text in (version.encode(), marked))
    return b"\xff Go buildinf:\x08\x02".ljust(32, b"\0") + texts


def _length(number: int) -> bytes:
    found = bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def read(content: bytes) -> tuple[str, ...]:
    section = tables.Section(".go.buildinfo", 1, 0, 0, 0, len(content), 0, 0)
    return read_go(memoryview(content), [section])


def test_version_modules_and_settings_are_read(c_program: Path, tmp_path: Path) -> None:
    """Out of a real ELF file; a replaced module is known by what replaces it."""
    blob, program = tmp_path / "blob", tmp_path / "program"
    blob.write_bytes(information())
    shutil.copy(c_program, program)
    subprocess.run(["objcopy", f"--add-section=.go.buildinfo={blob}", str(program)], check=True)
    profile = read_profile(program)
    assert profile.go[0] == "go1.22.1"
    assert "build -compiler=gc" in profile.go
    assert modules_of(profile.go) == ("golang.org/x/sys v0.15.0", "example.org/mended v1.0.1")


def test_another_go_is_another_toolchain_and_other_modules_are_dependencies(c_program: Path) -> None:
    """Both are told by name."""
    local = replace(read_profile(c_program), go=read(information()))
    image = replace(
        local,
        sha256="0" * 64,
        code_sha256="other",
        go=read(information("go1.21.0", MODULES.replace("v0.15.0", "v0.14.0"))),
    )
    found = compare(local, image)
    assert found.difference is not None
    assert found.rung.value == "toolchain"
    assert (found.difference.toolchains.only_local, found.difference.toolchains.only_image) == (
        ("go1.22.1",),
        ("go1.21.0",),
    )
    assert found.difference.crates.only_image == ("golang.org/x/sys v0.14.0",)


@given(st.data())
def test_what_is_broken_says_nothing(data: st.DataObject) -> None:
    """Cut off or altered anywhere: texts or nothing, never an error."""
    content = bytearray(information())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255))
    for damaged in (bytes(content), bytes(content[:place])):
        assert all(isinstance(line, str) for line in read(damaged))
    assert read(b"") == ()
