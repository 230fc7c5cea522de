"""What one side alone is told in the project's files, and the run knows of: it leads over what the bytes look like."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.conftest import HELLO

pytestmark = [pytest.mark.engine, pytest.mark.cargo]

PROGRAM = """\
fn main() {
    println!("hello from the real program");
    println!("{}", if cfg!(feature = "fancy") { "fancy indeed" } else { "plain as ever" });
    println!("special: {}", cfg!(special));
}
"""
MANIFEST = HELLO["Cargo.toml"] + "\n[features]\nfancy = []\n"


def test_a_configuration_that_is_not_copied_is_named(hello: Any) -> None:
    """The flag in it is in force on the host alone; once it is copied the programs are the same."""
    text = (hello.folder / "Dockerfile").read_text(encoding="utf-8")
    hello.write(
        {
            ".cargo/config.toml": '[build]\nrustflags = ["--cfg", "special"]\n',
            "Cargo.toml": MANIFEST + '\n[lints.rust]\nunexpected_cfgs = "allow"\n',
            "src/main.rs": PROGRAM,
        }
    )
    run = hello.build()
    assert run.cause == "cargo-configuration", run.stdout
    assert ".cargo/config.toml" in run.check("parity")["message"]
    assert "COPY" in run.check("parity")["repair"]
    hello.write({"Dockerfile": text.replace("COPY src src", "COPY .cargo .cargo\nCOPY src src")})
    run = hello.build()
    assert run.exit_code == 0, run.stdout


def test_features_of_the_step_alone_lead(hello: Any) -> None:
    """A text that the feature brings differs as well, which alone would look like another value."""
    text = (hello.folder / "Dockerfile").read_text(encoding="utf-8")
    hello.write(
        {
            "Cargo.toml": MANIFEST,
            "src/main.rs": PROGRAM.replace('    println!("special: {}", cfg!(special));\n', ""),
            "Dockerfile": text.replace("--release --locked\n", "--release --locked --features fancy\n"),
        }
    )
    run = hello.build()
    assert run.cause == "features", run.stdout
