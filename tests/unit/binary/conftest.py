"""Programs that the tests build, and root file systems that they lay out. Nothing here is checked in as a binary."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

HELLO = """
#include <stdio.h>
__attribute__((noinline)) int answer(int count) { return count * 42; }
int main(int count, char **words) { printf("%d\\n", answer(count)); return words == 0; }
"""
SERVICE = """
mod server {
    pub struct State { pub count: u64 }
    impl std::fmt::Display for State {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { write!(f, "state {}", self.count) }
    }
    #[inline(never)]
    pub fn run(values: &[u64]) -> u64 { tinydep::pick(values, values.len() / 2) }
}
fn main() {
    let values: Vec<u64> = std::env::args().map(|word| word.len() as u64).collect();
    println!("{}", server::State { count: server::run(&values) });
}
"""
DEPENDENCY = "#[inline(never)] pub fn pick(values: &[u64], index: usize) -> u64 { values[index] }"


def compile_c(target: Path, source: str, *flags: str) -> Path:
    """Compile one C file with the machine's compiler."""
    subprocess.run(
        ["gcc", "-x", "c", "-", "-o", str(target), *flags], input=source.encode(), check=True, cwd=target.parent
    )
    return target


@pytest.fixture(scope="session")
def c_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a position-independent C program with a build-id that the test chose."""
    folder = tmp_path_factory.mktemp("c")
    return compile_c(folder / "hello", HELLO, "-O1", "-pie", "-fPIE", "-Wl,--build-id=0x0123456789abcdef")


@pytest.fixture(scope="session")
def rust_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a Rust program `backend` with one dependency, `tinydep 1.2.3`, compiled as cargo lays them out."""
    folder = tmp_path_factory.mktemp("rust")
    crate = folder / "home/registry/src/index.crates.io-0123456789abcdef/tinydep-1.2.3/src"
    crate.mkdir(parents=True)
    (crate / "lib.rs").write_text(DEPENDENCY)
    (folder / "main.rs").write_text(SERVICE)
    basis = ["rustc", "--edition", "2021", "-O"]
    library = ["--crate-type", "rlib", "--crate-name", "tinydep", "-o", "libtinydep.rlib", str(crate / "lib.rs")]
    program = ["--crate-name", "backend", "--extern", "tinydep=libtinydep.rlib", "-o", "backend", "main.rs"]
    for arguments in (library, program):
        subprocess.run([*basis, *arguments], check=True, cwd=folder)
    return folder / "backend"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """What the engine would say of a file."""

    mode: int
    size: int
    link_target: str | None


@dataclass(slots=True)
class TreeFiles:
    """A root file system in a folder, read as the engine reads an image: links stay inside of the folder."""

    root: Path
    owners: dict[str, tuple[int, int]] = field(default_factory=dict)
    stats: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)

    def stat(self, path: str) -> Stat | None:
        """Return what a path is; its last component is not followed."""
        self.stats.append(path)
        place = self._place(path)
        if place is None or not os.path.lexists(place):
            return None
        said = place.lstat()
        if not place.is_symlink():
            return Stat(mode=said.st_mode, size=said.st_size, link_target=None)
        target = self._follow(place)
        return None if target is None else Stat(mode=said.st_mode, size=said.st_size, link_target=self._inside(target))

    def read(self, path: str, limit: int) -> bytes | None:
        """Return a regular file's content."""
        self.reads.append(path)
        place = self._place(path)
        return place.read_bytes()[:limit] if place is not None and place.is_file() else None

    def owner(self, path: str) -> tuple[int, int] | None:
        """Return the owner that the test gave a path; root otherwise."""
        return self.owners.get(path, (0, 0)) if self._place(path) is not None else None

    def add(self, path: str, content: bytes | Path, mode: int = 0o755) -> None:
        """Put a file there, from bytes or as a copy."""
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copyfile(content, place)
        else:
            place.write_bytes(content)
        place.chmod(mode)

    def link(self, path: str, target: str) -> None:
        """Put a symbolic link there."""
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)

    def _inside(self, place: Path) -> str:
        return "/" + str(place.relative_to(self.root)).removeprefix(".")

    def _place(self, path: str) -> Path | None:
        """Return where a path lies, links of its folders followed inside the root."""
        place = self.root
        parts = [part for part in path.split("/") if part]
        for number, part in enumerate(parts):
            place = place / part
            if number < len(parts) - 1 and place.is_symlink():
                followed = self._follow(place)
                if followed is None:
                    return None
                place = followed
        return place

    def _follow(self, place: Path) -> Path | None:
        for _ in range(40):
            if not place.is_symlink():
                return place
            target = os.readlink(place)  # noqa: PTH115 - the text as it stands
            start = "" if target.startswith("/") else self._inside(place.parent)
            followed = self._place(os.path.normpath(f"{start}/{target}"))
            if followed is None:
                return None
            place = followed
        return None


@pytest.fixture
def tree(tmp_path: Path) -> TreeFiles:
    """Return an empty root file system."""
    root = tmp_path / "rootfs"
    root.mkdir()
    return TreeFiles(root)


@pytest.fixture
def glibc_tree(tree: TreeFiles) -> TreeFiles:
    """Return a root file system with this machine's loader and C library, laid out as Debian does."""
    tree.link("/lib", "usr/lib")
    tree.link("/lib64", "usr/lib64")
    for name in ("libc.so.6", "ld-linux-x86-64.so.2", "libgcc_s.so.1", "libm.so.6"):
        source = Path("/lib/x86_64-linux-gnu") / name
        tree.add(f"/usr/lib/x86_64-linux-gnu/{name}", source.resolve())
    tree.link("/usr/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")
    return tree
