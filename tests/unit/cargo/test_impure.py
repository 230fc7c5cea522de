"""What Rust sources take in of the build's surroundings: found where it is code, and nowhere else."""

from __future__ import annotations

import pytest

from orchestrator.toolchains.cargo.impure import Dependence, compile_time_impurities, program_impurities


@pytest.mark.parametrize(
    ("source", "dependence"),
    [
        ("let now = std::time::SystemTime::now();", Dependence.CLOCK),
        ("chrono::Utc::now().to_rfc3339()", Dependence.CLOCK),
        ('Command::new("date").output()', Dependence.CLOCK),
        ('std::process::Command::new( "git" )', Dependence.COMMIT),
        ("let repository = git2::Repository::open(path)?;", Dependence.COMMIT),
        ('env::var("USER").unwrap()', Dependence.MACHINE),
        ('std::env::var_os("HOSTNAME")', Dependence.MACHINE),
        ("whoami::username()", Dependence.MACHINE),
        ("uuid::Uuid::new_v4()", Dependence.RANDOM),
        ("env::current_dir()?", Dependence.FOLDER),
    ],
)
def test_a_build_script_that_asks_around_is_seen(source: str, dependence: Dependence) -> None:
    """Each with its line and column."""
    found = compile_time_impurities(f"fn main() {{\n    {source}\n}}\n")
    assert [(each.dependence, each.line) for each in found] == [(dependence, 2)]
    assert found[0].column > 4


@pytest.mark.parametrize(
    "source",
    [
        "// SystemTime::now() is not asked here",
        "/* let now = SystemTime::now();\n */",
        'println!("SystemTime::now() would be wrong");',
        'println!("cargo:rerun-if-env-changed=USER");',
        'env::var("OUT_DIR").unwrap()',
        'let when = env::var("SOURCE_DATE_EPOCH").unwrap_or_else(|_| format!("{:?}", SystemTime::now()));',
        "let knowledge = now();",
        'Command::new("gitk")',
        "let quote = '\"'; let other = '\"'; // Utc::now()",
    ],
)
def test_what_is_no_such_thing_is_not_reported(source: str) -> None:
    """Comments, texts, what heeds SOURCE_DATE_EPOCH, and what is only called alike."""
    assert compile_time_impurities(f"fn main() {{ {source} }}\n") == ()


def test_a_crate_is_read_for_what_gets_into_the_program() -> None:
    """A clock that the program asks when it runs is its own affair; a folder that is compiled in is not."""
    source = """
const FOLDER: &str = env!("CARGO_MANIFEST_DIR");
const WHO: Option<&str> = option_env!("USER");
const PAGE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/page.html"));
include!(concat!(env!("OUT_DIR"), "/tables.rs"));
fn now() -> std::time::SystemTime { std::time::SystemTime::now() }
#[cfg(test)]
mod tests { const HERE: &str = env!("CARGO_MANIFEST_DIR"); }
"""
    assert [(each.dependence, each.line) for each in program_impurities(source)] == [
        (Dependence.FOLDER, 2),
        (Dependence.MACHINE, 3),
    ]
