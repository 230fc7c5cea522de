"""Profiles: facts about programs that the tests built, held against what binutils say of the same files."""

from __future__ import annotations

import hashlib
import json
import random
import re
import struct
import subprocess
import sys
import zlib
from typing import TYPE_CHECKING

import pytest

from orchestrator.binary.names import entry_crates, own_functions
from orchestrator.binary.profile import Format, profile_from_json, profile_to_json
from orchestrator.binary.read import profile_of, read_profile
from orchestrator.errors import RecordUnreadableError
from orchestrator.parity.cause import diagnose
from orchestrator.parity.compare import compare
from orchestrator.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence
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


SERVICE_ALONE = """
struct Till(u32);
impl Till { #[inline(never)] fn open<T: Into<u32>>(&self, n: T) -> u32 { self.0 * n.into() } }
fn main() { println!("{}", Till(3).open(std::env::args().count() as u16)); }
"""
PRINTS = """#include <stdio.h>
#include <string.h>
int main(int n, char **w) { char text[16]; strncpy(text, w[0], n + 8); return puts(text) < 0; }"""


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (
            ("-O2", "-fPIE", "-pie", "-Wl,-z,relro,-z,now", "-fstack-protector-all", "-D_FORTIFY_SOURCE=2"),
            ("pie", "relro", "full-relro", "bind-now", "canary", "nx", "fortify"),
        ),
        (("-O2", "-fPIE", "-pie", "-Wl,-z,norelro,-z,now"), ("pie", "bind-now", "nx")),
        (("-O2", "-no-pie", "-Wl,-z,relro,-z,lazy"), ("relro", "nx")),
        (("-O2", "-no-pie", "-Wl,-z,norelro,-z,lazy,-z,execstack"), ()),
    ],
    ids=["all", "bound at once", "fixed address", "none"],
)
def test_protections_are_those_that_were_asked_for(
    tmp_path: Path, flags: Sequence[str], expected: Sequence[str]
) -> None:
    """Compiler and linker are told; the tables and symbols show it."""
    program = tmp_path / "program"
    quiet = ("-fno-stack-protector", "-U_FORTIFY_SOURCE", "-w")
    subprocess.run(["gcc", *quiet, *flags, "-x", "c", "-", "-o", str(program)], input=PRINTS.encode(), check=True)
    assert read_profile(program).hardening == expected


@pytest.mark.parametrize(
    ("flags", "expected"),
    [(0x4160, ("pie", "high-entropy", "nx", "control-flow-guard")), (0x0100, ("nx",)), (0, ())],
)
def test_a_windows_program_shows_its_protections(tmp_path: Path, flags: int, expected: Sequence[str]) -> None:
    """By the header's DLL characteristics."""
    optional = struct.pack("<HBBIIIIIQII", 0x20B, 14, 0, 0, 0, 0, 0x1000, 0x1000, 1 << 32, 0x1000, 0x200)
    optional += struct.pack("<6HIIIIHH", 6, 0, 0, 0, 6, 0, 0, 0x2000, 0x200, 0, 3, flags)
    optional += struct.pack("<QQQQII", 1 << 20, 1 << 12, 1 << 20, 1 << 12, 0, 16)
    optional += bytes(16 * 8)
    file = struct.pack("<2s58xI", b"MZ", 64) + b"PE\0\0"
    file += struct.pack("<HHIIIHH", 0x8664, 0, 0, 0, 0, len(optional), 0x22) + optional
    program = tmp_path / "program.exe"
    program.write_bytes(file.ljust(0x400, b"\0"))
    profile = read_profile(program)
    assert (profile.damage, profile.machine, profile.hardening) == (None, "amd64", expected)


@pytest.mark.parametrize(("flags", "expected"), [(0x200085, ("pie", "nx")), (0x1020085, ("nx-heap",))])
def test_a_macos_program_shows_its_protections(tmp_path: Path, flags: int, expected: Sequence[str]) -> None:
    """By the header's flags (mach-o/loader.h)."""
    program = tmp_path / "program"
    program.write_bytes(struct.pack("<8I", 0xFEEDFACF, 0x01000007, 3, 2, 0, 0, flags, 0))
    assert read_profile(program).hardening == expected


def test_a_processor_that_nobody_knows_is_named_by_its_number(tmp_path: Path) -> None:
    """Also one whose number reads as negative; nothing is printed beside the report."""
    program = tmp_path / "program"
    program.write_bytes(struct.pack("<8I", 0xFEEDFACF, 0xC143DCCD, 3, 2, 0, 0, 0, 0))
    code = (
        "from pathlib import Path; from orchestrator.binary.read import read_profile;"
        f"read_profile(Path({str(program)!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("", "")


AUDITED = """
789c65ceb10ec2300c04d07ff11c59496121bf8218acd4858834ae9c94a5cabf13185081f14ef7a4db60a170a72b17f0e70d
32cd0c1e621502030fd61225f7c2a14577ea559155c36b12942a178c02cd7c5cb9719a7ee08087bd4b1228ed4d8d297d118b
471cfe89819117ce23e710df6fad7117032a52c1575db9f53489ced4b36b4f22fd44b5
"""
"""`.dep-v0` as cargo-auditable 0.7.7 wrote it for a package `till` with a crate `shelf` beside it, and itoa."""


def test_packages_that_the_real_cargo_auditable_lists_are_read(c_program: Path, tmp_path: Path) -> None:
    """The project's own are told apart; another version is the cause although no byte that is mapped differs."""
    part, program, other = tmp_path / "part", tmp_path / "program", tmp_path / "other"
    content = bytes.fromhex(AUDITED)
    listed = zlib.decompress(content)
    for target, written in ((program, content), (other, zlib.compress(listed.replace(b"1.0.", b"1.9.")))):
        part.write_bytes(written)
        subprocess.run(["objcopy", f"--add-section=.dep-v0={part}", str(c_program), str(target)], check=True)
    profiles = [read_profile(path) for path in (program, other)]
    itoa = next(package for package in profiles[0].audited if package.startswith("itoa"))
    assert profiles[0].audited == (itoa, "shelf 1.2.3 (local)", "till 0.4.2 (local)")
    found = compare(*profiles)
    assert found.difference is not None
    assert found.difference.crates.only_local == (itoa,)
    assert diagnose(found.difference)[0].cause == "dependency-version"


def test_packages_that_cargo_auditable_lists_are_read(c_program: Path, tmp_path: Path) -> None:
    """Its section `.dep-v0` holds zlib-compressed JSON; what is no such thing counts as no list."""
    packages = [
        {"name": "serde", "version": "1.0.2", "source": "crates.io"},
        {"name": "app", "version": "0.1.0", "source": "local", "dependencies": [0], "root": True},
    ]
    listed = {"packages": packages}
    found = {}
    for name, content in (
        ("whole", zlib.compress(json.dumps(listed).encode())),
        ("other", b"no list"),
        ("cut", b"x\x9c"),
    ):
        part, program = tmp_path / f"{name}.part", tmp_path / name
        part.write_bytes(content)
        subprocess.run(["objcopy", f"--add-section=.dep-v0={part}", str(c_program), str(program)], check=True)
        found[name] = read_profile(program).audited
    assert found == {"whole": ("app 0.1.0 (local)", "serde 1.0.2"), "other": (), "cut": ()}


def test_names_of_cxx_are_kept(tmp_path: Path) -> None:
    """They hold no hash."""
    source = b"namespace shop { struct Till { int open(int n); }; int Till::open(int n) { return n * 3; } }"
    subprocess.run(
        ["g++", "-x", "c++", "-O1", "-", "-o", str(tmp_path / "cxx")],
        input=source + b"int main(int n, char **) { return shop::Till().open(n); }",
        check=True,
    )
    names = {function.name for function in read_profile(tmp_path / "cxx").functions or ()}
    assert "_ZN4shop4Till4openEi" in names


@pytest.mark.cargo
def test_v0_names_of_two_builds_are_the_same(tmp_path: Path) -> None:
    """Crate disambiguators differ with the metadata; what is left of the names does not."""
    (tmp_path / "main.rs").write_text(SERVICE_ALONE)
    names = []
    for metadata in ("one", "two"):
        command = ["rustc", "-Csymbol-mangling-version=v0", f"-Cmetadata={metadata}", "--crate-name=till", "main.rs"]
        subprocess.run([*command, "-o", metadata], check=True, cwd=tmp_path)
        functions = read_profile(tmp_path / metadata).functions or ()
        names.append({function.name for function in functions if "4till" in function.name})
    raw = [set(re.findall(r"_R\w+4till\w+", said_by("nm", str(tmp_path / name)))) for name in ("one", "two")]
    assert raw[0] != raw[1]
    assert names[0] == names[1]
    assert any(name.endswith("4till4Till4open") or "4open" in name for name in names[0])
