"""Each cause as a pair of real builds that differ in it alone: the rung that is proven, and the cause that leads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.parity.cause import Likelihood, diagnose

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.cargo

UNKNOWN = "unknown"
BAKED = 'const BUILT: &str = env!("BUILT");'
SHOW = 'println!("{BUILT}");'
STUB = "fn main() {}"
PICK = "#[inline(never)] pub fn pick"
WIDE = (
    PICK,
    """
    macro_rules! many { ($($name:ident $by:literal)*) => {
        $(#[inline(never)] pub fn $name(values: &[u64]) -> u64 { values.iter().map(|v| v.rotate_left($by)).sum() })*
        #[inline(never)] pub fn all(values: &[u64]) -> u64 { 0 $(^ $name(values))* }
    } }
    many! { a 1 b 2 c 3 d 4 e 5 f 6 g 7 h 8 i 9 j 10 k 11 l 12 m 13 n 14 o 15 p 16 q 17 r 18 s 19 t 20 u 21 v 22 }
    #[inline(never)] pub fn gather<T: std::fmt::Debug + Copy>(values: &[T]) -> Vec<String> {
        values.iter().map(|value| format!("{value:?} of {}", values.len())).collect()
    }
    """
    + PICK,
)
TWO = '"two of them {} {:?}", tinydep::all(&[9]), tinydep::gather(&[1u16, 4])'
OTHER_MAIN = """
fn main() {
    let words: Vec<String> = std::env::args().collect();
    for (number, word) in words.iter().enumerate() { println!("{number:>4} {word:?} of {}", words.len()); }
    println!("{}", library::weigh(&[1, 2, words.len() as u64]));
}
"""
C_PART = """
static int grow(int base, int count) { int sum = 0; for (int n = 0; n < count; n++) sum += base * n; return sum; }
int part_weigh(int value) { return grow(value, 9) + grow(value + 1, value); }
"""
C_OUTER = """
int inner_grow(int base, int count);
int part_weigh(int value) { return inner_grow(value, 9) + inner_grow(value + 1, value); }
"""
C_INNER = """
int inner_grow(int base, int count) { int sum = 0; for (int n = 0; n < count; n++) sum += base * n; return sum; }
int inner_other(int base) { return inner_grow(base, 3) ^ base; }
"""
C_CALL = 'extern "C" { fn part_weigh(value: i32) -> i32; }'
TABLE = (
    'static TABLE: [(&str, u32); 6] = [("alpha", 1), ("beta", 2), ("gamma", 3), ("delta", 4), ("eta", 5), ("iota", 6)];'
)
TABLE_CALL = 'for (name, value) in TABLE.iter() { println!("{name} {value}"); }'


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What differs between two builds, and what must be said of it.

    Attributes:
        change: fields of the recipe that only the image's program has.
        base: fields that both have.
        rung: that must be proven.
        cause: that must lead; None for an identical pair, UNKNOWN where none may be claimed.
        also: causes that must be named beside it, in any order.
    """

    name: str
    change: dict[str, Any]
    rung: str
    cause: str | None
    base: dict[str, Any] | None = None
    also: tuple[str, ...] = ()


def baked(value: str) -> dict[str, Any]:
    return {"environment": {"BUILT": value}}


def cut(content: bytes) -> bytes:
    return content[: len(content) // 3]


def edited(content: bytes) -> bytes:
    """Change one instruction's byte in the middle of the program's own code."""
    place = content.index(b"all is well")
    return content[:place] + b"all is hell" + content[place + 11 :]


def script(_content: bytes) -> bytes:
    return b"#!/bin/sh\nexec sleep 1\n"


def payload(content: bytes) -> bytes:
    return content + b"payload"


FLAGS = ("-Copt-level=3", "-Ccodegen-units=4")
UNOPTIMISED = ("-Copt-level=0", "-Cdebug-assertions=off", "-Ccodegen-units=4")
WITH_BAKED = {"_call": (BAKED, SHOW)}
IN_A_FORMAT = {"_call": ("", 'println!("backend 1.0 {}", env!("BUILT"));')}
WITH_TABLE = {"_call": (TABLE, TABLE_CALL)}
WITH_C = {"_call": (C_CALL, 'println!("{}", unsafe { part_weigh(state.count as i32) });'), "c_source": C_PART}
WITH_C_LIBRARY = {**WITH_C, "c_source": C_OUTER, "c_library": C_INNER}
STRIPPED = {"after": (("strip",),)}

PAIRS = (
    Pair(name="nothing", change={}, rung="identical", cause=None),
    Pair(name="workspace folder, remapped", change={"folder": "another-place"}, rung="identical", cause=None),
    Pair(
        name="workspace folder", base={"remap": False}, change={"folder": "another-place"}, rung="paths", cause="paths"
    ),
    Pair(name="registry at a longer path", change={"home": "a-home-with-a-longer-name"}, rung="paths", cause="paths"),
    Pair(name="registry at a path of equal length", change={"home": "home-nowx"}, rung="paths", cause="paths"),
    Pair(
        name="registry, both stripped",
        base=STRIPPED,
        change={"home": "a-home-with-a-longer-name"},
        rung="paths",
        cause="paths",
    ),
    Pair(
        name="env!(CARGO_MANIFEST_DIR)",
        base={**WITH_BAKED, **baked("/home/ann/service")},
        change=baked("/home/bob/service"),
        rung="paths",
        cause="manifest-dir",
    ),
    Pair(
        name="env!(CARGO_MANIFEST_DIR), longer",
        base={**WITH_BAKED, **baked("/home/ann/service")},
        change=baked("/builds/group/service"),
        rung="paths",
        cause="manifest-dir",
    ),
    Pair(
        name="OUT_DIR",
        base={**WITH_BAKED, **baked("/app/target/release/build/service-0123456789abcdef/out")},
        change=baked("/app/target/release/build/service-fedcba9876543210/out"),
        rung="paths",
        cause="out-dir",
    ),
    Pair(
        name="time as text",
        base={**WITH_BAKED, **baked("2026-01-02T03:04:05Z")},
        change=baked("2026-01-02T03:09:44Z"),
        rung="data",
        cause="timestamp",
    ),
    Pair(
        name="time as digits",
        base={**WITH_BAKED, **baked("1767322000")},
        change=baked("1767329999"),
        rung="data",
        cause="timestamp",
    ),
    Pair(
        name="time, both stripped",
        base={**WITH_BAKED, **STRIPPED, **baked("2026-01-02T03:04:05Z")},
        change=baked("2026-01-02T03:09:44Z"),
        rung="data",
        cause="timestamp",
    ),
    Pair(
        name="commit",
        base={**WITH_BAKED, **baked("9d1843f566535dd336cd1673001d135236cb8fd5")},
        change=baked("05b1ff22521d7f86b16eb23dae5e099d7d275295"),
        rung="data",
        cause="commit-id",
    ),
    Pair(
        name="user and host",
        base={**WITH_BAKED, **baked("built by ann@laptop")},
        change=baked("built by root@buildkit"),
        rung="data",
        cause="own-data",
    ),
    Pair(
        name="user and host in a format",
        base={**IN_A_FORMAT, **baked("ann@laptop")},
        change=baked("root@3f2a9c11d0e4"),
        rung="code",
        cause="own-data",
    ),
    Pair(
        name="time on one side only",
        base={**IN_A_FORMAT, **baked("")},
        change=baked("2026-01-02T03:09:44Z"),
        rung="code",
        cause="timestamp",
    ),
    Pair(
        name="commit on one side only",
        base={**IN_A_FORMAT, **baked("unknown")},
        change=baked("05b1ff22521d7f86b16eb23dae5e099d7d275295"),
        rung="code",
        cause="commit-id",
    ),
    Pair(name="constant of the project", change={"_main": ("+ 5)", "+ 6)")}, rung="code", cause="other-sources"),
    Pair(
        name="other sources, and what is generic with them",
        base={
            "_dependency": WIDE,
            "_call": ("", 'println!("one {} {:?}", tinydep::all(&[9]), tinydep::gather(&[1u8]));'),
        },
        change={"_main": ('"one {} {:?}", tinydep::all(&[9]), tinydep::gather(&[1u8])', TWO)},
        rung="code",
        cause="other-sources",
    ),
    Pair(
        name="zeros counted in the project's code",
        change={"_main": ("+ 5)", "+ u64::from(value.trailing_zeros()))")},
        rung="code",
        cause="other-sources",
    ),
    Pair(
        name="source that leaves no code",
        change={"_main": ("/*MORE*/", "pub fn extra(n: u64) -> u64 { n * 77 + 1 }")},
        rung="hash-only",
        cause="symbol-hash",
    ),
    Pair(
        name="function added and called",
        change={
            "_call": (
                "#[inline(never)] fn extra(n: u64) -> u64 { n * 77 + n % 5 }",
                'println!("{}", extra(state.count));',
            )
        },
        rung="code",
        cause="other-sources",
    ),
    Pair(
        name="text of the project",
        change={"_main": ("come back later", "come back never")},
        rung="data",
        cause="own-data",
    ),
    Pair(name="stub", change={"main": STUB}, rung="foreign", cause="stub"),
    Pair(name="stub, stripped", base=STRIPPED, change={"main": STUB}, rung="foreign", cause="stub"),
    Pair(
        name="library stub",
        change={"library": "pub fn weigh(_values: &[u64]) -> u64 { 0 }"},
        rung="code",
        cause="partial-stub",
    ),
    Pair(
        name="other binary of the workspace",
        change={"crate": "backend_admin", "_call": ("", 'println!("admin");')},
        rung="foreign",
        cause="other-binary",
    ),
    Pair(
        name="other binary of the workspace, stripped",
        base=STRIPPED,
        change={"main": OTHER_MAIN, "crate": "backend_admin"},
        rung="foreign",
        cause=UNKNOWN,
    ),
    Pair(name="script", change={"edit": script}, rung="foreign", cause="other-program"),
    Pair(name="cut off", change={"edit": cut}, rung="foreign", cause="damaged-program"),
    Pair(name="edited after the link", change={"edit": edited}, rung="data", cause="edited-after-link"),
    Pair(name="payload", change={"edit": payload}, rung="data", cause="appended-bytes"),
    Pair(name="strip", change=STRIPPED, rung="hash-only", cause="stripped"),
    Pair(
        name="strip --strip-debug",
        change={"after": (("strip", "--strip-debug"),)},
        rung="hash-only",
        cause="strip-debug",
    ),
    Pair(name="strip by the profile", change={"main_flags": ("-Cstrip=symbols",)}, rung="hash-only", cause="stripped"),
    Pair(name="debug information", change={"flags": (*FLAGS, "-Cdebuginfo=2")}, rung="code", cause="debug-info"),
    Pair(
        name="debug information, other folder",
        base={"remap": False, "absolute": False, "flags": (*FLAGS, "-Cdebuginfo=1")},
        change={"folder": "another-place"},
        rung="hash-only",
        cause="debug-paths",
    ),
    Pair(
        name="optimisation",
        change={"flags": ("-Copt-level=1", "-Ccodegen-units=4")},
        rung="code",
        cause="codegen-settings",
    ),
    Pair(
        name="size instead of speed",
        change={"flags": ("-Copt-level=s", "-Ccodegen-units=4")},
        rung="code",
        cause="codegen-settings",
    ),
    Pair(
        name="no optimisation",
        change={"flags": UNOPTIMISED},
        rung="code",
        cause="codegen-settings",
    ),
    Pair(
        name="optimisation on the image's side alone",
        base={"flags": UNOPTIMISED},
        change={"flags": FLAGS},
        rung="code",
        cause="codegen-settings",
    ),
    Pair(
        name="debug profile",
        change={"flags": ("-Copt-level=0", "-Cdebug-assertions=on", "-Cdebuginfo=2", "-Ccodegen-units=4")},
        rung="code",
        cause="debug-profile",
    ),
    Pair(
        name="overflow checks", change={"flags": (*FLAGS, "-Coverflow-checks=on")}, rung="code", cause="overflow-checks"
    ),
    Pair(
        name="unused code kept",
        change={"main_flags": ("-Clink-arg=-Wl,--no-gc-sections",)},
        rung="code",
        cause=UNKNOWN,
    ),
    Pair(name="panic = abort", change={"flags": (*FLAGS, "-Cpanic=abort")}, rung="code", cause="panic-strategy"),
    Pair(
        name="lto = fat",
        change={"flags": ("-Copt-level=3", "-Ccodegen-units=4"), "main_flags": ("-Clto=fat",)},
        rung="code",
        cause="lto",
    ),
    Pair(
        name="codegen-units",
        change={"flags": ("-Copt-level=3", "-Ccodegen-units=1")},
        rung="code",
        cause="codegen-units",
    ),
    Pair(
        name="lto = thin",
        change={"main_flags": ("-Clto=thin",)},
        rung="code",
        cause="lto",
    ),
    Pair(
        name="target-cpu, newer by a little",
        base={"_call": ("", 'println!("{}", state.count.count_ones());')},
        change={"flags": (*FLAGS, "-Ctarget-cpu=x86-64-v2")},
        rung="code",
        cause="target-cpu",
    ),
    Pair(
        name="no full read-only relocations anywhere",
        change={"flags": (*FLAGS, "-Crelro-level=partial")},
        rung="code",
        cause="hardening-flags",
    ),
    Pair(name="target-cpu", change={"flags": (*FLAGS, "-Ctarget-cpu=x86-64-v3")}, rung="code", cause="target-cpu"),
    Pair(
        name="version of a dependency",
        change={"version": "1.3.0", "_dependency": ("sum.rotate_left(5)", "sum.rotate_left(9)")},
        rung="code",
        cause="dependency-version",
    ),
    Pair(
        name="patch version without another instruction",
        change={"version": "1.2.4"},
        rung="data",
        cause="dependency-version",
    ),
    Pair(
        name="feature of a dependency",
        change={"dependency_flags": ('--cfg=feature="loud"',)},
        rung="code",
        cause="features",
    ),
    Pair(
        name="no read-only relocations",
        change={"main_flags": ("-Crelro-level=off",)},
        rung="code",
        cause="hardening-flags",
    ),
    Pair(name="linker", change={"flags": (*FLAGS, "-Clinker-features=-lld")}, rung="toolchain", cause="linker"),
    Pair(
        name="system library",
        change={"main_flags": ("-Clink-arg=-Wl,--no-as-needed", "-Clink-arg=-lm")},
        rung="data",
        cause="needed-differs",
    ),
    Pair(
        name="C library compiled in, or shared",
        base=WITH_C_LIBRARY,
        change={"c_shared": True},
        rung="code",
        cause="needed-differs",
    ),
    Pair(
        name="C library compiled in, or shared, both stripped",
        base={**WITH_C_LIBRARY, **STRIPPED},
        change={"c_shared": True},
        rung="code",
        cause="needed-differs",
    ),
    Pair(name="metadata", change={"main_flags": ("-Cmetadata=other",)}, rung="hash-only", cause="symbol-hash"),
    Pair(
        name="metadata of all crates",
        change={"flags": (*FLAGS, "-Cmetadata=other")},
        rung="hash-only",
        cause="symbol-hash",
    ),
    Pair(
        name="build-id", change={"main_flags": ("-Clink-arg=-Wl,--build-id=none",)}, rung="hash-only", cause="build-id"
    ),
    Pair(name="C compiler's flags", base=WITH_C, change={"c_flags": ("-O0",)}, rung="code", cause="c-compiler"),
    Pair(
        name="order of a table",
        base=WITH_TABLE,
        change={"_main": ('("alpha", 1), ("beta", 2), ("gamma", 3)', '("gamma", 3), ("alpha", 1), ("beta", 2)')},
        rung="data",
        cause="nondeterminism",
    ),
    Pair(
        name="no position-independent program",
        change={"flags": (*FLAGS, "-Crelocation-model=static")},
        rung="code",
        cause="program-kind",
    ),
    Pair(
        name="static program",
        change={"main_flags": ("-Ctarget-feature=+crt-static",)},
        rung="code",
        cause="program-kind",
    ),
)

MIXED = (
    Pair(
        name="C library compiled in, or shared, and C compiler's flags",
        base=WITH_C_LIBRARY,
        change={"c_shared": True, "c_flags": ("-O0",)},
        rung="code",
        cause="needed-differs",
        also=("c-compiler",),
    ),
    Pair(
        name="stub by another linker",
        change={"main": STUB, "flags": (*FLAGS, "-Clinker-features=-lld")},
        rung="foreign",
        cause="stub",
        also=("linker",),
    ),
    Pair(
        name="stripped, with another time",
        base={**WITH_BAKED, **baked("2026-01-02T03:04:05Z")},
        change={**STRIPPED, **baked("2026-01-02T03:09:44Z")},
        rung="data",
        cause="timestamp",
        also=("stripped",),
    ),
    Pair(
        name="paths and time",
        base={**WITH_BAKED, **baked("2026-01-02T03:04:05Z")},
        change={"home": "a-home-with-a-longer-name", **baked("2026-01-02T03:09:44Z")},
        rung="data",
        cause="timestamp",
        also=("paths",),
    ),
    Pair(
        name="panic and code generation units",
        change={"flags": ("-Copt-level=3", "-Ccodegen-units=1", "-Cpanic=abort")},
        rung="code",
        cause="panic-strategy",
        also=("codegen-units",),
    ),
    Pair(
        name="another version and another source",
        change={"version": "1.3.0", "_main": ("+ 5)", "+ 6)")},
        rung="code",
        cause="dependency-version",
        also=("other-sources",),
    ),
    Pair(
        name="paths and order",
        base=WITH_TABLE,
        change={
            "home": "home-nowx",
            "_main": ('("alpha", 1), ("beta", 2), ("gamma", 3)', '("gamma", 3), ("alpha", 1), ("beta", 2)'),
        },
        rung="data",
        cause="nondeterminism",
        also=("paths",),
    ),
)


def recipe_of(fields: dict[str, Any], recipe: Callable[..., Any]) -> Any:
    fields = dict(fields)
    more, (old, new) = fields.pop("_call", None), fields.pop("_main", ("", ""))
    before, after = fields.pop("_dependency", ("", ""))
    made = recipe(**fields)
    made = replace(made, dependency=made.dependency.replace(before, after, 1))
    if more:
        made = made.with_call(*more)
    assert old in made.main
    return replace(made, main=made.main.replace(old, new, 1))


@pytest.mark.parametrize("pair", [*PAIRS, *MIXED], ids=lambda pair: pair.name)
def test_a_pair_stands_at_its_rung_and_its_cause_leads(pair: Pair, laboratory: Any, recipe: Any, note: Any) -> None:
    """The rung is the best that is true; the cause is the one thing that was changed, or none is claimed."""
    base = pair.base or {}
    local, image = (laboratory.build(recipe_of(fields, recipe)) for fields in (base, {**base, **pair.change}))
    comparison = laboratory.compare(local, image)
    suspicions = () if comparison.difference is None else diagnose(comparison.difference)
    named = [suspicion for suspicion in suspicions if suspicion.likelihood >= Likelihood.LIKELY]
    note(
        pair.name,
        "one cause" if pair in PAIRS else "two causes",
        expected=(pair.rung, (*([pair.cause] if pair.cause else []), *pair.also)),
        found=(comparison.rung.value, tuple(suspicion.cause for suspicion in named or suspicions[:1])),
    )
    assert comparison.rung.value == pair.rung, comparison.held_by
    if pair.cause is None:
        assert comparison.difference is None
        return
    if pair.cause == UNKNOWN:
        assert not named
        return
    assert named, "no cause is at least likely"
    assert named[0].cause == pair.cause
    assert set(pair.also) == {suspicion.cause for suspicion in named[1:]}
    assert named[0].repair
