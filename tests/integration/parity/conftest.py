"""A laboratory: one small program, built again and again with one thing changed, and compared."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.binary.content.explain import explain_difference
from orchestrator.binary.content.unmatched import unmatched_code
from orchestrator.binary.read import read_profile
from orchestrator.parity.compare import compare
from orchestrator.parity.worth_reading import worth_reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from orchestrator.binary.profile import BinaryProfile
    from orchestrator.parity.difference import Comparison
    from orchestrator.parity.facts import BuildFacts

MAIN = r"""
mod server {
    use std::collections::BTreeMap;
    pub struct State { pub count: u64, pub names: BTreeMap<String, u64> }
    impl std::fmt::Display for State {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "state {} of {:?}", self.count, self.names)
        }
    }
    #[inline(never)]
    pub fn run(values: &[u64]) -> State {
        let mut names = BTreeMap::new();
        let mut sorted = values.to_vec();
        tinydep::sort(&mut sorted);
        names.insert(String::from("mix"), tinydep::mix(&sorted));
        if let Ok(parts) = tinydep::parse("1,2,3") { names.insert(String::from("parts"), parts.len() as u64); }
        for (index, value) in values.iter().enumerate() {
            names.insert(tinydep::name(values, index), *value + 5);
        }
        State { count: tinydep::pick(values, values.len() / 2) + library::weigh(values), names }
    }
    #[inline(never)]
    pub fn describe(code: u64) -> &'static str {
        match code % 7 {
            0 => "all is well", 1 => "nothing was found", 2 => "the request was malformed", 3 => "come back later",
            4 => "somebody else holds it", 5 => "the body is too large", _ => "no idea",
        }
    }
}
/*MORE*/
fn main() {
    let values: Vec<u64> = std::env::args().map(|word| word.len() as u64).collect();
    let state = server::run(&values);
    println!("{state} {}", server::describe(state.count));
    /*CALL*/
}
"""
LIBRARY = r"""
#[inline(never)]
pub fn weigh(values: &[u64]) -> u64 { values.iter().enumerate().map(|(n, v)| scale(*v, n)).sum() }
#[inline(never)]
fn scale(value: u64, index: usize) -> u64 { value * table(index) + 3 }
#[inline(never)]
fn table(index: usize) -> u64 { [11, 23, 5, 8, 13, 99, 7][index] }
"""
DEPENDENCY = r"""
#[inline(never)] pub fn pick(values: &[u64], index: usize) -> u64 { values[index] }
#[inline(never)] pub fn parse(text: &str) -> Result<Vec<u32>, std::num::ParseIntError> {
    text.split(',').map(str::parse).collect()
}
#[inline(never)] pub fn sort(values: &mut [u64]) {
    for end in (1..values.len()).rev() { for n in 0..end { if values[n] > values[n + 1] { values.swap(n, n + 1); } } }
}
#[inline(never)] pub fn mix(values: &[u64]) -> u64 {
    let mut sum = 7u64;
    for (n, value) in values.iter().enumerate() { sum = sum.rotate_left(5) ^ value.wrapping_mul(n as u64 | 1); }
    sum
}
#[cfg(not(feature = "loud"))]
#[inline(never)] pub fn name(values: &[u64], index: usize) -> String { format!("value {index} of {}", values[index]) }
#[cfg(feature = "loud")]
#[inline(never)] pub fn name(values: &[u64], index: usize) -> String {
    shout(&format!("value {index} of {}", values[index]))
}
#[cfg(feature = "loud")]
#[inline(never)] fn shout(text: &str) -> String { text.to_uppercase() }
"""
HOME = "home-here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One way to build the program; everything that a pair may differ in.

    Attributes:
        flags: of rustc, for every crate of the program.
        main_flags: of rustc, for the program's own crate.
        remap: name the workspace's folder `/workspace` in the program.
        absolute: hand the sources to rustc by their absolute path.
        environment: variables that the sources read with `env!`.
        c_library: C source that `c_source` calls, compiled in; by `c_shared`, as a shared library.
        after: commands that are run on the finished program, which is their last argument.
        edit: what is done to the finished program's bytes.
    """

    main: str = MAIN
    library: str = LIBRARY
    dependency: str = DEPENDENCY
    crate: str = "backend"
    home: str = HOME
    version: str = "1.2.3"
    flags: tuple[str, ...] = ("-Copt-level=3", "-Ccodegen-units=4")
    main_flags: tuple[str, ...] = ()
    dependency_flags: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    toolchain: str | None = None
    c_source: str | None = None
    c_flags: tuple[str, ...] = ("-O2",)
    c_library: str | None = None
    c_shared: bool = False
    folder: str = "work"
    remap: bool = True
    absolute: bool = True
    after: tuple[tuple[str, ...], ...] = ()
    edit: Callable[[bytes], bytes] | None = None

    def with_call(self, more: str, call: str) -> Recipe:
        """Return the recipe with further code in the program."""
        return replace(self, main=self.main.replace("/*MORE*/", more).replace("/*CALL*/", call))


@dataclass(slots=True)
class Laboratory:
    """Builds programs below one folder; what was built once is kept."""

    folder: Path
    built: dict[str, Path] = field(default_factory=dict)
    profiles: dict[Path, BinaryProfile] = field(default_factory=dict)

    def build(self, recipe: Recipe) -> Path:
        """Build a program, or return the one that this recipe made before."""
        key = repr(recipe)
        if key not in self.built:
            self.built[key] = self._build(recipe, self.folder / f"program-{len(self.built)}")
        return self.built[key]

    def compare(
        self,
        local: Path,
        image: Path,
        *,
        own: tuple[str, ...] = ("backend", "library"),
        facts: BuildFacts | None = None,
    ) -> Comparison:
        """Compare two programs as `invoke compare` does."""
        here, there = self.profile(local), self.profile(image)
        content = explain_difference(local, image) if worth_reading(here, there) else None
        unmatched = unmatched_code(local, image) if content is None and worth_reading(here, there) else None
        return compare(here, there, own=own, content=content, facts=facts, unmatched=unmatched)

    def profile(self, path: Path) -> BinaryProfile:
        """Return a program's profile."""
        if path not in self.profiles:
            self.profiles[path] = read_profile(path)
        return self.profiles[path]

    def _build(self, recipe: Recipe, target: Path) -> Path:
        work = self.folder / recipe.folder
        crate = (
            self.folder / recipe.home / f"registry/src/index.crates.io-0123456789abcdef/tinydep-{recipe.version}/src"
        )
        for place, text in (
            (crate / "lib.rs", recipe.dependency),
            (work / "crates/library.rs", recipe.library),
            (work / "src/main.rs", recipe.main),
        ):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        out = self.folder / f"out-{len(self.built)}"
        out.mkdir()
        base = f"{work}/" if recipe.absolute else ""
        common = [*recipe.flags, f"-L{out}", f"--out-dir={out}"]
        self._rustc(
            recipe,
            "--crate-type=rlib",
            "--crate-name=tinydep",
            *common,
            *recipe.dependency_flags,
            str(crate / "lib.rs"),
        )
        self._rustc(recipe, "--crate-type=rlib", "--crate-name=library", *common, f"{base}crates/library.rs")
        linked = self._c(recipe, out)
        self._rustc(
            recipe, f"--crate-name={recipe.crate}", *common, "--extern=tinydep", "--extern=library",
            *recipe.main_flags, *linked, f"{base}src/main.rs",
        )  # fmt: skip
        shutil.copy(out / recipe.crate, target)
        for command in recipe.after:
            subprocess.run([*command, str(target)], check=True)
        if recipe.edit is not None:
            target.write_bytes(recipe.edit(target.read_bytes()))
        return target

    def _c(self, recipe: Recipe, out: Path) -> list[str]:
        if recipe.c_source is None:
            return []
        part = self._gcc(recipe, recipe.c_source, out / "part.o", "-c")
        if recipe.c_library is None:
            return [f"-Clink-arg={part}"]
        if recipe.c_shared:
            self._gcc(recipe, recipe.c_library, out / "libinner.so", "-shared", "-fPIC", "-Wl,-soname=libinner.so")
            return [f"-Clink-arg={part}", f"-Clink-arg=-L{out}", "-Clink-arg=-linner"]
        return [f"-Clink-arg={part}", f"-Clink-arg={self._gcc(recipe, recipe.c_library, out / 'inner.o', '-c')}"]

    def _gcc(self, recipe: Recipe, source: str, target: Path, *how: str) -> Path:
        done = ["gcc", *recipe.c_flags, "-x", "c", "-", "-o", str(target), *how]
        subprocess.run(done, input=source.encode(), check=True, cwd=self.folder)
        return target

    def _rustc(self, recipe: Recipe, *arguments: str) -> None:
        # Where the tests run must not show in the programs, or they would differ from run to run; what is compared
        # for its folder is named below `/lab`.
        remap = [f"--remap-path-prefix={self.folder}=/lab"]
        if recipe.remap:
            remap.append(f"--remap-path-prefix={self.folder / recipe.folder}=/workspace")
        start = ["rustc"] if recipe.toolchain is None else ["rustup", "run", recipe.toolchain, "rustc"]
        subprocess.run(
            [*start, "--edition=2021", *remap, *arguments],
            check=True,
            cwd=self.folder / recipe.folder,
            env={**os.environ, "LC_ALL": "C", **recipe.environment},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One pair: what was changed, and what was said of it. Causes: at least likely ones, the leading one first."""

    name: str
    kind: str
    rung: str
    causes: tuple[str, ...]
    found_rung: str
    found: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Return whether rung and leading cause are the expected ones, and the others of a mixed pair are named."""
        leading = (self.rung, self.causes[:1]) == (self.found_rung, self.found[:1])
        return leading and set(self.causes) <= set(self.found)


@pytest.fixture(scope="session")
def matrix(request: pytest.FixtureRequest) -> Iterator[list[Row]]:
    """Return the table of this session's pairs; `--parity-matrix FILE` writes it."""
    rows: list[Row] = []
    yield rows
    target = request.config.getoption("--parity-matrix")
    if target:
        Path(target).write_text("\n".join(_table(rows)) + "\n", encoding="utf-8")


def _table(rows: list[Row]) -> Iterator[str]:
    yield "# Which cause is named: the matrix of built pairs"
    yield ""
    yield "Each pair is built, and differs in what its name says. The rules for causes were written with these pairs"
    yield "in view, so the table shows what is kept, and is no estimate for pairs that nobody has seen. The same tests"
    yield "fail where a row is wrong, and also where a cause too many is named. Written by"
    yield ""
    yield "    pytest tests/integration/parity/test_matrix.py tests/integration/parity/test_cargo_matrix.py \\"
    yield "        --parity-matrix docs/reference/parity-matrix.md"
    yield ""
    yield "| pairs | of | right | wrong cause | none named |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for kind in dict.fromkeys(row.kind for row in rows):
        some = [row for row in rows if row.kind == kind]
        right = sum(row.right for row in some)
        silent = sum(not row.right and not row.found and bool(row.causes) for row in some)
        yield f"| {kind} | {len(some)} | {right} | {len(some) - right - silent} | {silent} |"
    yield ""
    yield "Causes: the leading one, and behind it those that are at least likely beside it."
    yield ""
    yield "| factor | pairs | rung | causes named | expected |"
    yield "| --- | --- | --- | --- | --- |"
    for row in rows:
        expected = "as named" if row.right else f"{row.rung}: {', '.join(row.causes) or 'none'}"
        yield f"| {row.name} | {row.kind} | {row.found_rung} | {', '.join(row.found) or 'none'} | {expected} |"


@pytest.fixture(scope="session")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    """Return the place where programs are built."""
    return Laboratory(tmp_path_factory.mktemp("laboratory"))


@pytest.fixture(scope="session")
def recipe() -> type[Recipe]:
    """Return the type of recipes."""
    return Recipe


@pytest.fixture(scope="session")
def note(matrix: list[Row]) -> Callable[..., None]:
    """Return what writes a row of the table: name, kind, and expected and found rung and causes."""

    def add(name: str, kind: str, *, expected: tuple[str, tuple[str, ...]], found: tuple[str, tuple[str, ...]]) -> None:
        rung, causes = expected
        matrix.append(Row(name=name, kind=kind, rung=rung, causes=causes, found_rung=found[0], found=found[1]))

    return add
