"""What cargo would unpack of an archive: only where the lock file vouches for it, and nothing that leads elsewhere."""

from __future__ import annotations

import hashlib
import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from orchestrator.toolchains.cargo.lock import LockedPackage
from orchestrator.toolchains.cargo.unpacked import unpacked

if TYPE_CHECKING:
    from pathlib import Path


def member(name: str, **facts: object) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    for fact, value in facts.items():
        setattr(entry, fact, value)
    return entry


def archive(folder: Path, *more: tarfile.TarInfo) -> tuple[Path, LockedPackage]:
    """Write the archive of a crate with two files, and return it with the lock file's entry."""
    path = folder / "tiny-1.0.0.crate"
    with tarfile.open(path, "w:gz") as tar:
        tar.addfile(member("tiny-1.0.0", type=tarfile.DIRTYPE, mode=0o755))
        for name, mode in (("tiny-1.0.0/Cargo.toml", 0o664), ("tiny-1.0.0/ci/run", 0o775)):
            tar.addfile(member(name, size=2, mode=mode), io.BytesIO(b"ab"))
        for entry in more:
            tar.addfile(entry)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return path, LockedPackage(name="tiny", version="1.0.0", source="registry+https://x", checksum=digest)


def test_files_and_cargos_sign(tmp_path: Path) -> None:
    """The sign comes last, and rights as far as cargo keeps them."""
    assert list(unpacked(*archive(tmp_path))) == [
        ("tiny-1.0.0/Cargo.toml", b"ab", 0o644),
        ("tiny-1.0.0/ci/run", b"ab", 0o755),
        ("tiny-1.0.0/.cargo-ok", b'{"v":1}', 0o644),
    ]


def test_another_archive_than_the_lock_file_names(tmp_path: Path) -> None:
    """Cargo is left to it."""
    path, package = archive(tmp_path)
    path.write_bytes(path.read_bytes() + b"\0")
    assert list(unpacked(path, package)) == []


@pytest.mark.parametrize(
    "odd",
    [
        member("tiny-1.0.0/link", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        member("tiny-1.0.0/../../escaped"),
        member("other-1.0.0/file"),
        member("/absolute"),
    ],
    ids=["link", "above", "another crate's", "absolute"],
)
def test_more_than_files_of_its_own_folder(tmp_path: Path, odd: tarfile.TarInfo) -> None:
    """As a crate's publisher could have made it."""
    assert list(unpacked(*archive(tmp_path, odd))) == []
