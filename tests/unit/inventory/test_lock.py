"""`buildspec.lock`: what a side answers, what drifted, and a text that can be reviewed and read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import LockInvalidError, UsageError
from orchestrator.inventory.answers import side_of
from orchestrator.inventory.drift import drift, unlike
from orchestrator.inventory.model import BaseInventory, Inventory, SideInventory
from orchestrator.spec.lockfile import dump_lock, lock_path, read_lock_file, write_lock_file
from orchestrator.toolchains.cargo.native import native_crates
from orchestrator.workspace import Workspace

_SAID = """\
[rustc]
rustc 1.95.0 (59807616e 2026-04-14)
commit-hash: 59807616e1fa
host: x86_64-unknown-linux-gnu
release: 1.95.0
LLVM version: 22.1.2
[cc]
cc (Debian 12.2.0-14+deb12u1) 12.2.0
Copyright (C) 2022 Free Software Foundation, Inc.
[ld]
GNU ld (GNU Binutils for Debian) 2.40
[modules]
zlib 1.2.13
[packages]
bash 5.2.15-2+b8
libc6-dev 2.36-9
libgcc-12-dev 12.2.0-14
zlib1g-dev 1:1.2.13
[end]
"""


def _inventory(**changed: object) -> Inventory:
    values: dict[str, object] = {
        "version": 1,
        "tool": "0.1.0",
        "platform": "linux/amd64",
        "bases": {
            "debian:bookworm-slim": BaseInventory(
                origin="bootstrap",
                image="sha256:" + "1" * 64,
                packages={"libssl3": "3.0.1 sha256:" + "a" * 64, "zlib1g": "1.2 sha256:" + "b" * 64},
            )
        },
        "host": side_of(_SAID, libraries=True),
        "image": side_of(_SAID, libraries=False),
    }
    return Inventory.model_validate({**values, **changed})


def test_a_side_is_read_from_its_answers() -> None:
    """Compilers by their own words, libraries only where a build script may look for them."""
    side = side_of(_SAID, libraries=True)
    assert (side.rustc, side.llvm) == ("1.95.0 (59807616e1fa)", "22.1.2")
    assert side.c_compiler == "cc (Debian 12.2.0-14+deb12u1) 12.2.0"
    assert side.linker == "GNU ld (GNU Binutils for Debian) 2.40"
    assert side.modules == {"zlib": "1.2.13"}
    assert list(side.packages) == ["libc6-dev", "libgcc-12-dev", "zlib1g-dev"]
    without = side_of(_SAID, libraries=False)
    assert (without.modules, list(without.packages)) == ({}, ["libc6-dev", "libgcc-12-dev"])


def test_a_side_that_answers_nothing_is_unknown() -> None:
    """An image without a shell, or a torn answer, is no side with an empty compiler."""
    assert side_of("", libraries=True) == SideInventory()
    assert side_of("[rustc]\n[cc]\n[ld]\n", libraries=True) == SideInventory()


def test_drift_names_each_package() -> None:
    """New, gone, another version, and the same version with other content."""
    packages = {"libssl3": "3.0.2 sha256:" + "c" * 64, "zlib1g": "1.2 sha256:" + "d" * 64, "tzdata": "2026a"}
    now = _inventory(
        bases={
            "debian:bookworm-slim": BaseInventory(origin="bootstrap", image="sha256:" + "2" * 64, packages=packages)
        },
        image=side_of(_SAID.replace("2.40", "2.41").replace("libgcc-12-dev 12", "musl-dev 12"), libraries=False),
    )
    assert [str(each) for each in drift(_inventory(), now)] == [
        "base debian:bookworm-slim: image was 111111111111, is 222222222222",
        "base debian:bookworm-slim: libssl3 was 3.0.1, is 3.0.2",
        "base debian:bookworm-slim: tzdata 2026a is new",
        "base debian:bookworm-slim: zlib1g 1.2 has other content than it had",
        "image: libgcc-12-dev 12.2.0-14 is gone",
        "image: linker was GNU ld (GNU Binutils for Debian) 2.40, is GNU ld (GNU Binutils for Debian) 2.41",
        "image: musl-dev 12.2.0-14 is new",
    ]
    assert drift(now, now) == ()


def test_tools_that_differ_between_the_sides_are_told() -> None:
    """A side without an answer is no difference."""
    here = side_of(_SAID, libraries=True)
    there = side_of(_SAID.replace("1.95.0", "1.90.0"), libraries=True)
    assert unlike(here, here) == unlike(here, SideInventory()) == ()
    (sentence,) = unlike(here, there)
    assert "Rust compiler is 1.95.0" in sentence
    assert "1.90.0" in sentence


def test_a_lock_is_written_sorted_and_read_again(tmp_path: Path) -> None:
    """The same inventory gives the same text, whatever order it was found in, and the text gives the inventory."""
    inventory = _inventory()
    packages = dict(reversed(inventory.bases["debian:bookworm-slim"].packages.items()))
    other = _inventory(
        bases={"debian:bookworm-slim": {"origin": "bootstrap", "image": "sha256:" + "1" * 64, "packages": packages}}
    )
    assert dump_lock(inventory) == dump_lock(other)
    path, workspace = tmp_path / "buildspec.lock", Workspace.open(tmp_path / "workspace")
    write_lock_file(path, inventory)
    for _ in range(2):  # read, and remembered
        found = read_lock_file(path, workspace=workspace)
        assert found is not None
        assert found.inventory == inventory
    assert "\n      libssl3: 3.0.1 sha256:aaa" in path.read_text()


def test_a_lock_that_is_a_link_stays_one(tmp_path: Path) -> None:
    """Some keep their locks in one folder; a link that is replaced would be a file that nobody else sees."""
    held = tmp_path / "locks/backend.lock"
    held.parent.mkdir()
    link = tmp_path / "buildspec.lock"
    link.symlink_to("locks/backend.lock")
    write_lock_file(link, _inventory())
    assert link.is_symlink()
    assert held.read_text() == dump_lock(_inventory())


def test_a_lock_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """With the file's name and the system's words, also to root, whom no folder's rights keep out."""
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"cannot write .*file/buildspec\.lock: Not a directory"):
        write_lock_file(tmp_path / "file/buildspec.lock", _inventory())


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("version: 1", "version: 2", ":3:10: `version` is the number 2; expected 1"),
        ("platform:", "platfrom:", ":5:1: unknown key `platfrom`"),
        ("    image: sha", "    image: [sha", ":9:11: no YAML"),
        ("tool: 0.1.0", "tool: 0.1.0\ntool: 0.1.0", ":5:1: the key `tool` stands here a second time"),
        ("host:", "<<<<<<< HEAD\nhost:", ":13:1: a merge conflict that nobody has resolved"),
        ("      libssl3: 3.0.1 sha256:", "      libssl3: 7 #", ":11:16: `bases.debian:bookworm-slim.packages.libssl3`"),
    ],
)
def test_a_mistake_in_a_lock_is_told_at_its_place(tmp_path: Path, old: str, new: str, words: str) -> None:
    """An edit by hand, a conflict of a merge, a version that is not known: file, line and column."""
    path = tmp_path / "buildspec.lock"
    text = dump_lock(_inventory())
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(LockInvalidError) as caught:
        read_lock_file(path, workspace=Workspace.open(tmp_path / "workspace"))
    assert any(words in line for line in caught.value.detail), caught.value.detail
    assert caught.value.location is not None
    assert caught.value.location.line is not None


def test_a_lock_lies_beside_its_spec() -> None:
    """Two specs in one folder have a lock each."""
    assert lock_path(Path("a/buildspec.yaml")) == Path("a/buildspec.lock")
    assert lock_path(Path("other.yaml")) == Path("other.lock")


def test_crates_that_look_for_system_libraries_are_found(tmp_path: Path) -> None:
    """By what they depend on, or by their name; bindings alone are none, nor is what another platform has."""
    (tmp_path / "Cargo.lock").write_text(
        '[[package]]\nname = "a"\nversion = "1"\ndependencies = ["pkg-config 0.3.0", "b"]\n'
        '[[package]]\nname = "b"\nversion = "1"\n'
        '[[package]]\nname = "libz-sys"\nversion = "1"\n'
        '[[package]]\nname = "windows-sys"\nversion = "1"\n'
        '[[package]]\nname = "core-foundation-sys"\nversion = "1"\n'
        '[[package]]\nname = "dirs-sys"\nversion = "1"\n'
    )
    found = native_crates(tmp_path, "Cargo.lock", (), workspace=Workspace.open(tmp_path / "workspace"))
    assert found == ("a", "libz-sys")
