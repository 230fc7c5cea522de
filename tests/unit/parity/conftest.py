"""Pairs of real programs, each differing in one thing, built when a test first asks for them."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from orchestrator.binary.read import read_profile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from orchestrator.binary.profile import BinaryProfile

SERVICE = """
mod server {
    pub struct State { pub count: u64 }
    impl std::fmt::Display for State {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { write!(f, "state {}", self.count) }
    }
    #[inline(never)]
    pub fn run(values: &[u64]) -> u64 { tinydep::pick(values, values.len() / 2) + 5 }
}
static COUNTER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(92);
fn main() {
    let values: Vec<u64> = std::env::args().map(|word| word.len() as u64).collect();
    let count = COUNTER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    println!("{}", server::State { count: server::run(&values) + count });
}
"""
PLAIN = """
mod server { #[inline(never)] pub fn run(count: usize) -> usize { count * 7 } }
fn main() { println!("{}", server::run(std::env::args().count())); }
"""
DEPENDENCY = "#[inline(never)] pub fn pick(values: &[u64], index: usize) -> u64 { values[index] }"
HOME = "home-here"


@dataclass(slots=True)
class Workshop:
    """Builds programs in one folder; what was built once is kept."""

    folder: Path
    source: str = SERVICE
    built: dict[str, Path] = field(default_factory=dict)

    def service(self, *flags: str, source: str = SERVICE, home: str = HOME, version: str = "1.2.3") -> Path:
        """Build the service against `tinydep`, whose source lies in a cargo home of this name."""
        library = self._dependency(home, version)
        return self._build(source, "backend", "--extern", f"tinydep={library.name}", *flags)

    def plain(self, source: str = PLAIN, *flags: str, crate: str = "backend") -> Path:
        """Build a program without dependencies."""
        return self._build(source, crate, *flags)

    def c(self) -> Path:
        """Build a C program."""
        target = self.folder / "c-program"
        source = b'#include <stdio.h>\nint main(void) { return puts("hello") < 0; }\n'
        subprocess.run(["gcc", "-x", "c", "-", "-o", str(target)], input=source, check=True)
        return target

    def changed(self, program: Path, name: str, *command: str) -> Path:
        """Return a copy on which a command was run; its last argument is the copy."""
        copy = self.folder / f"{program.name}-{name}"
        if not copy.exists():
            shutil.copy(program, copy)
            subprocess.run([*command, str(copy)], check=True)
        return copy

    def edited(self, program: Path, name: str, edit: Callable[[bytes], bytes]) -> Path:
        """Return a copy with other bytes."""
        copy = self.folder / f"{program.name}-{name}"
        copy.write_bytes(edit(program.read_bytes()))
        return copy

    def _dependency(self, home: str, version: str) -> Path:
        library = self.folder / f"libtinydep-{home}-{version}.rlib"
        if not library.exists():
            source = self.folder / home / f"registry/src/index.crates.io-0123456789abcdef/tinydep-{version}/src"
            source.mkdir(parents=True)
            (source / "lib.rs").write_text(DEPENDENCY)
            self._rustc("--crate-type", "rlib", "--crate-name", "tinydep", "-o", library.name, str(source / "lib.rs"))
        return library

    def _build(self, source: str, crate: str, *flags: str) -> Path:
        key = repr((source, crate, flags))
        if key not in self.built:
            target = self.folder / f"program-{len(self.built)}"
            (self.folder / "main.rs").write_text(source)
            self._rustc("--crate-name", crate, "-o", target.name, *flags, "main.rs")
            self.built[key] = target
        return self.built[key]

    def _rustc(self, *arguments: str) -> None:
        environment = {**os.environ, "LC_ALL": "C"}
        # Where the tests run must not show in the programs, or their code would differ from run to run.
        remap = f"--remap-path-prefix={self.folder}=/workshop"
        command = ["rustc", "--edition", "2021", "-O", remap, *arguments]
        subprocess.run(command, check=True, cwd=self.folder, env=environment)


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Return the place where programs are built."""
    return Workshop(tmp_path_factory.mktemp("workshop"))


@pytest.fixture(scope="session")
def profiled() -> Callable[[Path], BinaryProfile]:
    """Return a reader that reads each program once."""
    known: dict[Path, BinaryProfile] = {}

    def read(path: Path) -> BinaryProfile:
        if path not in known:
            known[path] = read_profile(path)
        return known[path]

    return read


@pytest.fixture(scope="session")
def stub_source() -> str:
    """Return what a Dockerfile compiles in place of the program to cache dependencies."""
    return "fn main() {}"
