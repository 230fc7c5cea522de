"""What a build script or a macro reads without declaring it: cargo finds everything fresh when it has changed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.conftest import HELLO, RUST, SLIM

pytestmark = [pytest.mark.engine, pytest.mark.cargo]

FILES = {
    "Cargo.toml": HELLO["Cargo.toml"]
    + """\

[dependencies]
embed = { path = "embed" }

[workspace]
members = ["embed"]
""",
    "Cargo.lock": """\
version = 4

[[package]]
name = "embed"
version = "0.1.0"

[[package]]
name = "hello"
version = "0.1.0"
dependencies = [
 "embed",
]
""",
    # As `include_dir!` and `sqlx::migrate!` do: on stable Rust a macro cannot declare what it reads.
    "embed/Cargo.toml": '[package]\nname = "embed"\nversion = "0.1.0"\nedition = "2021"\n\n[lib]\nproc-macro = true\n',
    "embed/src/lib.rs": """\
#[proc_macro]
pub fn names(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap() + "/migrations";
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    format!("{:?}", names.join(" ")).parse().unwrap()
}
""",
    "build.rs": """\
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-env=PAGE={}", std::fs::read_to_string("assets/page.txt").unwrap().trim());
}
""",
    "src/main.rs": """\
fn main() {
    println!("hello from the real program");
    println!("{} {}", env!("PAGE"), embed::names!());
}
""",
    "assets/page.txt": "first\n",
    "migrations/1.sql": "create table a;\n",
    "notes.txt": "read by nobody\n",
}
DOCKERFILE = f"""\
FROM {RUST} AS builder
WORKDIR /app
COPY . .
RUN cargo build --release --locked && cp target/release/hello /hello
FROM {SLIM}
COPY --from=builder /hello /usr/local/bin/hello
ENTRYPOINT ["/usr/local/bin/hello"]
"""


def said(project: Any) -> str:
    """Return what the host's program of the last run printed as its second line."""
    return str(project.runs[-1].record["transcripts"][0]["head"][1]["text"])


def test_the_host_compiles_anew_what_nothing_declares(hello: Any) -> None:
    """As the image does, whose layer has no artifacts; and nothing is compiled for what nobody reads."""
    hello.write({**FILES, "Dockerfile": DOCKERFILE, ".dockerignore": "notes.txt\nbuildspec.yaml\n"})
    assert hello.build().exit_code == 0
    assert said(hello) == "first 1.sql"
    hello.write({"assets/page.txt": "second\n"})
    run = hello.build()
    assert run.exit_code == 0, run.stdout
    assert said(hello) == "second 1.sql"
    hello.write({"migrations/2.sql": "create table b;\n"})
    run = hello.build()
    assert run.exit_code == 0, run.stdout
    assert said(hello) == "second 1.sql 2.sql"
    hello.write({"notes.txt": "still\n"})
    run = hello.build()
    assert run.exit_code == 0, run.stdout
    assert run.record["local"]["compiled"] == []


def test_a_cache_mount_that_keeps_the_old_program_is_refused(hello: Any) -> None:
    """The image's cargo finds all of it fresh in the mount; the host's program is the new one, so the two differ."""
    mount = DOCKERFILE.replace("RUN cargo", f"RUN --mount=type=cache,id={hello.tag},target=/app/target cargo")
    hello.write({**FILES, "Dockerfile": mount})
    assert hello.build().exit_code == 0
    hello.write({"migrations/2.sql": "create table b;\n"})
    run = hello.build()
    assert run.exit_code == 1, run.stdout
    assert run.check("parity")["status"] == "failed"
