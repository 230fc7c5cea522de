"""Files of the base are read from memory where the layers above leave them alone, and nowhere else."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from orchestrator.binary.loading.read import read_ahead
from orchestrator.binary.loading.root import MOST_BYTES
from orchestrator.binary.loading.root import FileStat as LookedAt
from orchestrator.build.artifact import BASE_MEMO
from orchestrator.build.base_files import BaseFiles
from orchestrator.engine.files import FileStat
from orchestrator.workspace import Workspace

LAYERS = ("sha256:base",)
LIBRARY = "/lib/libc.so.6"


@dataclass
class Folder:
    """An image's files in a folder of this machine; what was read of them is written down."""

    root: Path
    reads: list[str] = field(default_factory=list)
    looks: list[str] = field(default_factory=list)

    def stat(self, path: str) -> FileStat | None:
        self.looks.append(path)
        place = self.root / path.lstrip("/")
        if not os.path.lexists(place):
            return None
        target = f"/{place.resolve().relative_to(self.root)}" if place.is_symlink() else None
        return FileStat(size=place.lstat().st_size, mode=place.lstat().st_mode, link_target=target)

    def read(self, path: str, limit: int) -> bytes | None:
        self.reads.append(path)
        place = self.root / path.lstrip("/")
        return place.read_bytes()[:limit] if place.is_file() else None

    def owner(self, path: str) -> tuple[int, int] | None:
        return (0, 0) if self.stat(path) else None

    def capabilities(self, path: str) -> bool:
        return bool(self.stat(path)) and False


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "workspace")


@pytest.fixture
def base(tmp_path: Path, workspace: Workspace) -> Path:
    """Return the files of a base from which the library has been read once; /lib is a link, as in Debian."""
    root = tmp_path / "image"
    (root / "usr/lib").mkdir(parents=True)
    (root / "lib").symlink_to("usr/lib")
    (root / "usr/lib/libc.so.6").write_bytes(b"of the base")
    assert seen(root, workspace) == (b"of the base", [LIBRARY])
    return root


def seen(
    root: Path,
    workspace: Workspace,
    *touched: str,
    layers: tuple[str, ...] = LAYERS,
    path: str = LIBRARY,
    limit: int = 1 << 20,
) -> tuple[bytes | None, list[str]]:
    """Return the library as an image has it, and what was read out of that image for it."""
    files = Folder(root.resolve())
    image = BaseFiles(files, layers=layers, touched=frozenset(touched), workspace=workspace)
    read = image.read(path, limit)
    image.keep()
    return read, files.reads


def test_the_next_image_of_a_base_is_not_asked_for_it(base: Path, workspace: Workspace) -> None:
    """By whatever links it is reached, a file of the base is read once."""
    assert seen(base, workspace, "backend") == (b"of the base", [])
    assert seen(base, workspace, "backend", path="/usr/lib/libc.so.6") == (b"of the base", [])


@pytest.mark.parametrize("touched", ["libc.so.6", "lib", "usr"])
def test_what_a_layer_says_something_about_is_read(touched: str, base: Path, workspace: Workspace) -> None:
    """The file's own name, a folder's, and one that only a link on the way leads to."""
    (base / "usr/lib/libc.so.6").write_bytes(b"a later one")
    assert seen(base, workspace, touched) == (b"a later one", [LIBRARY])


def test_another_base_is_another_file(base: Path, workspace: Workspace) -> None:
    """Neither another base's layers nor an image that was made on none find it."""
    (base / "usr/lib/libc.so.6").write_bytes(b"of another base")
    assert seen(base, workspace, layers=("sha256:other",)) == (b"of another base", [LIBRARY])
    assert seen(base, workspace, layers=()) == (b"of another base", [LIBRARY])


def test_a_kept_file_that_was_damaged_is_read_again(base: Path, workspace: Workspace) -> None:
    """A copy whose content is not what its name says does not count."""
    for kept in (workspace.root / "artifacts").iterdir():
        kept.write_bytes(b"damaged")
    assert seen(base, workspace) == (b"of the base", [LIBRARY])
    assert seen(base, workspace) == (b"of the base", [])


def test_what_is_not_there_is_asked_for_again(base: Path, workspace: Workspace) -> None:
    """Absence is not kept: it costs little, and a file may have come since."""
    assert seen(base, workspace, path="/lib/libx.so.1") == (None, ["/lib/libx.so.1"])
    assert seen(base, workspace, path="/lib/libx.so.1") == (None, ["/lib/libx.so.1"])


def looked_at(root: Path, workspace: Workspace, path: str, *touched: str) -> tuple[LookedAt | None, list[str]]:
    """Return what an image has at a path, and what was looked at in that image for it."""
    files = Folder(root.resolve())
    image = BaseFiles(files, layers=LAYERS, touched=frozenset(touched), workspace=workspace)
    found = image.stat(path)
    image.keep()
    return found, files.looks


def test_what_a_file_of_the_base_is_is_asked_once(base: Path, workspace: Workspace) -> None:
    """Folders on the way are known as well; a link of the base is asked for each time."""
    first, _ = looked_at(base, workspace, "/usr/lib/libc.so.6", "backend")
    assert first is not None
    assert first.size == len(b"of the base")
    again, looks = looked_at(base, workspace, "/usr/lib/libc.so.6", "backend")
    assert again is not None
    assert (again.size, again.mode, looks) == (first.size, first.mode, [])
    assert looked_at(base, workspace, LIBRARY, "backend")[1] == ["/lib"]


@pytest.mark.parametrize("touched", ["libc.so.6", "lib", "usr"])
def test_a_file_that_a_layer_says_something_about_is_asked_for(touched: str, base: Path, workspace: Workspace) -> None:
    """It may be longer now, and another may execute it."""
    looked_at(base, workspace, "/usr/lib/libc.so.6")
    (base / "usr/lib/libc.so.6").write_bytes(b"a later one")
    found, looks = looked_at(base, workspace, "/usr/lib/libc.so.6", touched)
    assert found is not None
    assert found.size == len(b"a later one")
    assert "/usr/lib/libc.so.6" in looks


def test_the_rights_of_a_folder_are_asked_for(base: Path, workspace: Workspace) -> None:
    """Layers carry those of every folder on their way."""
    looked_at(base, workspace, "/usr/lib/libc.so.6")
    (base / "usr/lib").chmod(0o700)
    found, looks = looked_at(base, workspace, "/usr/lib")
    assert found is not None
    assert found.mode & 0o777 == 0o700
    assert looks == ["/usr/lib"]


def test_files_of_a_base_outlive_the_runs(base: Path, workspace: Workspace) -> None:
    """No record names them, and the run that has read them is not the last that needs them."""
    workspace.prune(keep=1, naming=(BASE_MEMO,))
    assert seen(base, workspace) == (b"of the base", [])


def test_a_file_that_became_a_folder_is_asked_for(base: Path, workspace: Workspace) -> None:
    """A layer names folders on its way, too; one that is named is not taken for the file that the base had."""
    path = "/usr/lib/libc.so.6"
    looked_at(base, workspace, path)
    (base / "usr/lib/libc.so.6").unlink()
    (base / "usr/lib/libc.so.6").mkdir()
    found, looks = looked_at(base, workspace, path, "libc.so.6/", "lib/", "usr/")
    assert found is not None
    assert stat.S_ISDIR(found.mode)
    assert looks == ["/usr", "/usr/lib", path]


def test_a_folder_in_the_place_of_a_link_is_not_kept_for_the_base(base: Path, workspace: Workspace) -> None:
    """The next image of the base has the link."""
    (base / "lib").unlink()
    (base / "lib").mkdir()
    looked_at(base, workspace, "/lib", "lib/")
    (base / "lib").rmdir()
    (base / "lib").symlink_to("usr/lib")
    assert seen(base, workspace, "backend") == (b"of the base", [])


@pytest.mark.parametrize("path", ["", "/", "//", "ld.so", "a/b/c"])
def test_odd_paths_are_passed_on(path: str, base: Path, workspace: Workspace) -> None:
    """An interpreter's path may be relative; what is there is for the engine to say."""
    _, looks = looked_at(base, workspace, path)
    assert looks == [path]


def test_asking_for_a_deep_path_asks_for_each_folder_once(base: Path, workspace: Workspace) -> None:
    """Also where nothing is there, as for most places that a loader searches."""
    (base / "a/b/c/d/e").mkdir(parents=True)
    _, looks = looked_at(base, workspace, "/a/b/c/d/e/libx.so")
    assert looks == ["/a", "/a/b", "/a/b/c", "/a/b/c/d", "/a/b/c/d/e", "/a/b/c/d/e/libx.so"]
    assert looked_at(base, workspace, "/a/b/c/d/e/libx.so")[1] == ["/a/b/c/d/e/libx.so"]


def test_what_starting_takes_is_read_ahead_of_a_base(base: Path, workspace: Workspace) -> None:
    """The image of that base need not be asked for its shell then."""
    (base / "bin").mkdir()
    (base / "bin/sh").write_bytes(b"a shell")
    ahead = BaseFiles(Folder(base), layers=LAYERS, touched=frozenset(), workspace=workspace)
    read_ahead(ahead, Path("/bin/true"))
    ahead.keep()
    assert seen(base, workspace, "backend", path="/bin/sh", limit=MOST_BYTES) == (b"a shell", [])
