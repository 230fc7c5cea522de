"""SOURCE_DATE_EPOCH in a target directory that is used again."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from orchestrator.build.local import LocalBuild

pytestmark = pytest.mark.cargo

_SCRIPT = """\
use std::process::Command;
fn main() {
    let out = std::env::var("OUT_DIR").unwrap();
    let object = format!("{out}/when.o");
    assert!(Command::new("cc").args(["-c", "when.c", "-o", &object]).status().unwrap().success());
    assert!(Command::new("ar").args(["crs", &format!("{out}/libwhen.a"), &object]).status().unwrap().success());
    println!("cargo::rerun-if-changed=when.c");
    println!("cargo::rustc-link-search=native={out}");
    println!("cargo::rustc-link-lib=static=when");
}
"""
_MAIN = """\
unsafe extern "C" { fn when() -> *const std::ffi::c_char; }
fn main() { println!("{}", unsafe { std::ffi::CStr::from_ptr(when()) }.to_str().unwrap()); }
"""


def _printed(build: LocalBuild) -> str:
    return subprocess.run([build.artifact.path], check=True, capture_output=True, text=True).stdout.strip()


def test_another_epoch_is_compiled_into_c_code(crate: Any) -> None:
    """The C compiler takes `__DATE__` from a variable that the build script does not declare; an equal one is free."""
    crate.write(
        {
            "build.rs": _SCRIPT,
            "when.c": 'const char *when(void) { return __DATE__ " " __TIME__; }\n',
            "src/main.rs": _MAIN,
        }
    )
    first = crate.build(variables={"SOURCE_DATE_EPOCH": "86400"})
    assert _printed(first) == "Jan  2 1970 00:00:00"
    assert crate.build(variables={"SOURCE_DATE_EPOCH": "86400"}).compiled == ()
    assert _printed(crate.build(variables={"SOURCE_DATE_EPOCH": "172800"})) == "Jan  3 1970 00:00:00"
    assert "1970" not in _printed(crate.build())


def test_another_epoch_reaches_a_build_script_that_asks_for_it(crate: Any) -> None:
    """It declares something else alone, and what does not depend on the time is not compiled again."""
    crate.write(
        {
            "Cargo.toml": (
                '[package]\nname = "demo"\nversion = "0.1.0"\nedition = "2021"\n\n'
                '[workspace]\n\n[dependencies]\nplain = { path = "plain" }\n'
            ),
            "Cargo.lock": (
                'version = 4\n\n[[package]]\nname = "demo"\nversion = "0.1.0"\ndependencies = [\n "plain",\n]\n\n'
                '[[package]]\nname = "plain"\nversion = "0.1.0"\n'
            ),
            "plain/Cargo.toml": '[package]\nname = "plain"\nversion = "0.1.0"\nedition = "2021"\n',
            "plain/build.rs": 'fn main() { println!("cargo::rerun-if-changed=build.rs"); }\n',
            "plain/src/lib.rs": "",
            "build.rs": (
                'fn main() {\n    println!("cargo::rerun-if-changed=build.rs");\n    let time = '
                'std::env::var("SOURCE_DATE_EPOCH").unwrap_or_default();\n'
                '    println!("cargo::rustc-env=WHEN={time}");\n}\n'
            ),
            "src/main.rs": 'fn main() { println!("{}", env!("WHEN")); }\n',
        }
    )
    assert _printed(crate.build(variables={"SOURCE_DATE_EPOCH": "1"})) == "1"
    again = crate.build(variables={"SOURCE_DATE_EPOCH": "2"})
    assert _printed(again) == "2"
    assert not any("plain" in name for name in again.compiled)
