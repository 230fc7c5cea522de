"""Profiles: facts about programs that the tests built, held against what binutils say of the same files."""

from __future__ import annotations

import hashlib
import random
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from orchestrator.binary.names import entry_crates, own_functions
from orchestrator.binary.profile import Format, profile_from_json, profile_to_json
from orchestrator.binary.read import profile_of, read_profile
from orchestrator.errors import RecordUnreadableError
from orchestrator.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path


def said_by(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def stripped_copy(program: Path, target: Path, *flags: str) -> Path:
    subprocess.run(["strip", *flags, "-o", str(target), str(program)], check=True)
    return target


def test_a_c_program_is_read_as_binutils_read_it(c_program: Path) -> None:
    """Sections with sizes, needed libraries, versions and functions agree with readelf and nm."""
    profile = read_profile(c_program)
    sections = re.findall(
        r"\] (\.\S+)\s+\w+\s+[0-9a-f]+ [0-9a-f]+ ([0-9a-f]+)", said_by("readelf", "-SW", str(c_program))
    )
    assert [(part.name, part.size) for part in profile.sections] == [(name, int(size, 16)) for name, size in sections]
    assert profile.needed == tuple(re.findall(r"\(NEEDED\).*\[(.*)\]", said_by("readelf", "-d", str(c_program))))
    assert "libc.so.6 GLIBC_2.34" in profile.versions
    names = {line.split()[-1] for line in said_by("nm", "--defined-only", str(c_program)).splitlines()}
    assert {"main", "answer", "_start"} <= {function.name for function in profile.functions or ()} <= names


def test_a_c_program_has_the_facts_that_it_was_linked_with(c_program: Path) -> None:
    """Build-id, kind, loader, processor and compiler are the ones that the link was told."""
    profile = read_profile(c_program)
    content = c_program.read_bytes()
    assert (profile.sha256, profile.size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert profile.format is Format.ELF
    assert profile.build_id == "0123456789abcdef"
    assert profile.kind == "pie"
    assert profile.interpreter == "/lib64/ld-linux-x86-64.so.2"
    assert profile.machine == "x86_64"
    assert any(text.startswith("GCC:") for text in profile.comment)
    assert profile.damage is None
    assert not profile.stripped
    assert profile.overlay_sha256 is None


def test_a_section_is_digested_by_its_content(c_program: Path, tmp_path: Path) -> None:
    """The digest is over the bytes that objcopy takes out of the section; .bss has none."""
    dumped = tmp_path / "text"
    subprocess.run(["objcopy", "-O", "binary", "--only-section=.text", str(c_program), str(dumped)], check=True)
    sections = {section.name: section for section in read_profile(c_program).sections}
    assert sections[".text"].sha256 == hashlib.sha256(dumped.read_bytes()).hexdigest()
    assert sections[".text"].flags == "AX"
    assert sections[".bss"].sha256 is None


@pytest.mark.cargo
def test_a_rust_program_shows_its_own_functions_and_dependencies(rust_program: Path) -> None:
    """Own functions come without hashes; the dependency, its folder and the toolchain come from panic locations."""
    profile = read_profile(rust_program)
    version = said_by("rustc", "-vV")
    assert own_functions(profile, "backend") == (
        "<backend::server::State as core::fmt::Display>::fmt",
        "backend::main",
        "backend::server::run",
    )
    assert entry_crates(profile) == ("backend",)
    assert profile.crates == ("tinydep 1.2.3",)
    assert profile.roots == (str(rust_program.parent / "home"),)
    assert re.search(r"commit-hash: (\w+)", version)[1] in profile.rustc_commits
    assert any(text.startswith(f"rustc version {version.split()[1]}") for text in profile.comment)


@pytest.mark.cargo
def test_stripping_leaves_what_is_mapped(rust_program: Path, tmp_path: Path) -> None:
    """`strip` takes symbols and debug information; digests of the mapped content, crates and build-id stay."""
    whole = read_profile(rust_program)
    bare = read_profile(stripped_copy(rust_program, tmp_path / "bare"))
    assert bare.stripped
    assert bare.functions is None
    assert own_functions(bare, "backend") is None
    assert (bare.code_sha256, bare.data_sha256) == (whole.code_sha256, whole.data_sha256)
    assert (bare.crates, bare.build_id, bare.needed) == (whole.crates, whole.build_id, whole.needed)


@pytest.mark.cargo
def test_stripping_debug_information_keeps_the_functions(rust_program: Path, tmp_path: Path) -> None:
    """Without debug information the functions are the same as with it."""
    whole = read_profile(rust_program)
    bare = read_profile(stripped_copy(rust_program, tmp_path / "bare", "--strip-debug"))
    assert (whole.debug_info, bare.debug_info) == (True, False)
    assert bare.functions == whole.functions


def test_a_flipped_byte_of_code_changes_the_code_digest_alone(c_program: Path, tmp_path: Path) -> None:
    """Code and data are digested apart, so eight flipped bits are seen and are seen in the right place."""
    content = bytearray(c_program.read_bytes())
    place = re.search(r"\.text\s+PROGBITS\s+[0-9a-f]+ ([0-9a-f]+)", said_by("readelf", "-SW", str(c_program)))
    content[int(place[1], 16) + 8] ^= 0xFF
    changed = tmp_path / "changed"
    changed.write_bytes(content)
    before, after = read_profile(c_program), read_profile(changed)
    assert after.code_sha256 != before.code_sha256
    assert after.data_sha256 == before.data_sha256


def test_another_build_id_is_not_another_content(c_program: Path, tmp_path: Path) -> None:
    """The build-id names the link; it does not count among what is mapped."""
    changed = tmp_path / "changed"
    marker, other = bytes.fromhex("0123456789abcdef"), bytes.fromhex("fedcba9876543210")
    changed.write_bytes(c_program.read_bytes().replace(marker, other))
    before, after = read_profile(c_program), read_profile(changed)
    assert after.build_id == other.hex()
    assert (after.code_sha256, after.data_sha256) == (before.code_sha256, before.data_sha256)


def test_bytes_after_the_end_are_noticed(c_program: Path, tmp_path: Path) -> None:
    """What is appended to a program is no part of any section, and a fact all the same."""
    longer = tmp_path / "longer"
    longer.write_bytes(c_program.read_bytes() + b"payload")
    assert read_profile(longer).overlay_sha256 == hashlib.sha256(b"payload").hexdigest()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", Format.EMPTY),
        (b"#!/bin/sh -e\necho hi\n", Format.SCRIPT),
        (b"MZ\x90\x00", Format.PE),
        (b"\xcf\xfa\xed\xfe\x07\x00\x00\x01", Format.MACH_O),
        (b"\xca\xfe\xba\xbe\x00\x00\x00\x02", Format.MACH_O),
        (b"hello", Format.OTHER),
        (b"\x7fELF", Format.ELF),
    ],
)
def test_a_file_is_told_by_its_first_bytes(tmp_path: Path, content: bytes, expected: Format) -> None:
    """Anything may lie at the program's path; it is named, never an exception."""
    path = tmp_path / "file"
    path.write_bytes(content)
    profile = read_profile(path)
    assert (profile.format, profile.size) == (expected, len(content))
    assert profile.functions is None


def test_a_script_says_its_interpreter(tmp_path: Path) -> None:
    """The first word behind `#!`."""
    path = tmp_path / "script"
    path.write_bytes(b"#! /bin/sh -e\n")
    assert read_profile(path).interpreter == "/bin/sh"


@pytest.mark.parametrize("part", [0.0005, 0.003, 0.01, 0.5, 0.9, 0.999])
def test_a_truncated_program_is_damaged(c_program: Path, tmp_path: Path, part: float) -> None:
    """Wherever a copy was cut short, the profile says so."""
    content = c_program.read_bytes()
    path = tmp_path / "cut"
    path.write_bytes(content[: max(5, int(len(content) * part))])
    profile = read_profile(path)
    assert profile.format is Format.ELF
    assert profile.damage is not None


def test_hostile_files_never_raise(c_program: Path, tmp_path: Path) -> None:
    """Random damage to headers and tables ends in a profile, with or without damage, and quickly."""
    content, dice = c_program.read_bytes(), random.Random(20240607)  # noqa: S311 - a fixed sequence is the point
    path = tmp_path / "hostile"
    for _ in range(150):
        changed = bytearray(content)
        for _ in range(dice.randint(1, 20)):
            changed[dice.choice([dice.randrange(4, 0x400), dice.randrange(4, len(changed))])] = dice.randrange(256)
        path.write_bytes(changed)
        assert read_profile(path).size == len(content)


def test_parts_that_claim_the_file_many_times_are_not_read(c_program: Path, tmp_path: Path) -> None:
    """A crafted section table cannot make the reading take for ever."""
    content = bytearray(c_program.read_bytes())
    table = int.from_bytes(content[40:48], "little")
    for index in range(1, int.from_bytes(content[60:62], "little")):
        header = table + index * 64
        content[header + 24 : header + 40] = (0).to_bytes(8, "little") + len(content).to_bytes(8, "little")
    path = tmp_path / "greedy"
    path.write_bytes(content)
    assert "claim" in (read_profile(path).damage or "")


@pytest.mark.cargo
def test_a_profile_survives_json(rust_program: Path) -> None:
    """The JSON form gives back the very same facts."""
    profile = read_profile(rust_program)
    assert profile_from_json(profile_to_json(profile)) == profile


@pytest.mark.parametrize("value", [None, [], {}, {"version": 0}, {"version": 1}, "text"])
def test_a_damaged_or_foreign_json_value_is_no_profile(value: object) -> None:
    """A memo of another version, or half of one, counts as none."""
    assert profile_from_json(value) is None


def test_a_known_program_is_not_read_again(c_program: Path, tmp_path: Path) -> None:
    """A remembered profile needs neither the file nor LIEF."""
    workspace = Workspace.open(tmp_path / "workspace")
    sha256 = hashlib.sha256(c_program.read_bytes()).hexdigest()
    first = profile_of(c_program, sha256, workspace=workspace)
    assert profile_of(tmp_path / "gone", sha256, workspace=workspace) == first
    code = (
        "import sys; from pathlib import Path; from orchestrator.binary.read import profile_of;"
        "from orchestrator.workspace import Workspace;"
        f"profile_of(Path('/nowhere'), {sha256!r}, workspace=Workspace.open(Path({str(workspace.root)!r})));"
        "sys.exit('lief' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_changed_artifact_is_refused(c_program: Path, tmp_path: Path) -> None:
    """A file that is not what its digest says is no evidence."""
    workspace = Workspace.open(tmp_path / "workspace")
    with pytest.raises(RecordUnreadableError, match="was changed"):
        profile_of(c_program, "0" * 64, workspace=workspace)


def test_a_missing_artifact_is_named(tmp_path: Path) -> None:
    """A program that was pruned away is an error that says where it should lie."""
    workspace = Workspace.open(tmp_path / "workspace")
    with pytest.raises(RecordUnreadableError, match="cannot be read"):
        profile_of(tmp_path / "gone", "0" * 64, workspace=workspace)
