"""What an earlier build of the host has left on the engine is taken back whole and fitting, or not at all."""

from __future__ import annotations

import hashlib
import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from orchestrator.build.take_back import _fitting, _unpacked, is_empty

if TYPE_CHECKING:
    from pathlib import Path

FACTS = {"build": "/app/target", "home": "/usr/local/cargo", "rustc": "r", "libc": "l", "c": "c", "pkg-config": "-"}


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, ["plain", "native"]),
        ({"c": "another"}, ["plain"]),
        ({"pkg-config": "another"}, ["plain"]),
        ({"build": "/src/target"}, []),
        ({"home": "/root/.cargo"}, []),
        ({"rustc": "another"}, []),
        ({"libc": "another"}, []),
    ],
)
def test_which_parts_fit(changed: dict[str, str], parts: list[str]) -> None:
    """As in the image: another compiler or place and nothing fits, another C compiler and what it made does not."""
    assert list(_fitting(FACTS, {**FACTS, **changed})) == parts
    assert list(_fitting({**FACTS, **changed}, FACTS)) == parts
    assert list(_fitting(FACTS, {})) == []


def unpacked(folder: Path, files: dict[str, bytes], sums: dict[str, str]) -> bool:
    """Pack files as a part of an offer, and unpack that."""
    place = folder / "layer.tar"
    with tarfile.open(place, "w") as tar:
        for path, content in files.items():
            entry = tarfile.TarInfo(f"plain/{path}")
            entry.size, entry.mtime, entry.mode = len(content), 1_000_000_000, 0o755
            tar.addfile(entry, io.BytesIO(content))
    with tarfile.open(place) as tar:
        return _unpacked(tar, {member.name: member for member in tar}, "plain", sums, folder)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_part_is_unpacked_as_it_was(tmp_path: Path) -> None:
    """Content, mode, and the time stamp by which cargo judges."""
    assert unpacked(tmp_path, {"release/deps/liba.rlib": b"a"}, {"release/deps/liba.rlib": digest(b"a")})
    made = tmp_path / "plain/release/deps/liba.rlib"
    assert (made.read_bytes(), made.stat().st_mode & 0o777, made.stat().st_mtime) == (b"a", 0o755, 1_000_000_000)


@pytest.mark.parametrize(
    ("files", "sums"),
    [
        ({"a": b"A"}, {"a": digest(b"a")}),
        ({"a": b"a", "b": b"b"}, {"a": digest(b"a")}),
        ({"a": b"a"}, {"a": digest(b"a"), "b": digest(b"b")}),
        ({"../a": b"a"}, {"../a": digest(b"a")}),
        ({"/a": b"a"}, {"/a": digest(b"a")}),
    ],
    ids=["a bit fell", "one more", "one less", "above", "absolute"],
)
def test_what_is_not_as_it_was_put_there_is_refused(
    tmp_path: Path, files: dict[str, bytes], sums: dict[str, str]
) -> None:
    """Nothing lies outside of the folder that it is unpacked into, either."""
    (tmp_path / "inner").mkdir()
    assert not unpacked(tmp_path / "inner", files, sums)
    assert [path.name for path in tmp_path.iterdir()] == ["inner"]


def test_an_empty_target_directory(tmp_path: Path) -> None:
    """Cargo's own marks count, for this machine's target and for a named one."""
    assert is_empty(tmp_path / "target")
    (tmp_path / "target/x86_64-unknown-linux-musl/release").mkdir(parents=True)
    assert is_empty(tmp_path / "target")
    (tmp_path / "target/x86_64-unknown-linux-musl/release/.fingerprint").mkdir()
    assert not is_empty(tmp_path / "target")
