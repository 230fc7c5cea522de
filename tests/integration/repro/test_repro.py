"""`invoke repro`: what is found in a real project, what `--write` changes, and that the recipe keeps its promise."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.conftest import HELLO

pytestmark = pytest.mark.cargo

ROOT = Path(__file__).resolve().parents[3]
FILES = {
    "Cargo.toml": HELLO["Cargo.toml"]
    + """\

[profile.release]
debug = 1
incremental = true
""",
    "Cargo.lock": HELLO["Cargo.lock"],
    "build.rs": """\
fn main() {
    let now = std::time::SystemTime::now();
    println!("cargo:rustc-env=BUILT={now:?}");
}
""",
    "src/main.rs": """\
const FOLDER: &str = env!("CARGO_MANIFEST_DIR");
fn main() { println!("{} {FOLDER}", env!("BUILT")); }
""",
    ".cargo/config.toml": '[build]\nrustflags = ["--cfg=loud"]\n',
    "Dockerfile": """\
FROM rust:1.95-bookworm AS builder
ENV RUSTFLAGS="-Copt-level=3"
WORKDIR /app
COPY . .
RUN cd /app \\
    && cargo build --release && strip target/release/hello
FROM debian:bookworm-slim
COPY --from=builder /app/target/release/hello /usr/local/bin/hello
ENTRYPOINT ["/usr/local/bin/hello"]
""",
    "buildspec.yaml": """\
version: 1
project: hello
toolchain: {kind: cargo}
image: {tag: "hello:dev", binary: /usr/local/bin/hello}
""",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def repro(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [
            sys.executable,
            "-P",
            str(ROOT / "start.py"),
            "--write-pyc",
            "--search-root",
            str(ROOT),
            "repro",
            "--spec",
            "buildspec.yaml",
            *arguments,
        ],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "200", "TWINBUILD_WORKSPACE": str(project.parent / "workspace")},
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_what_stands_between_a_project_and_identity_is_found(project: Path) -> None:
    """Each with its place, its repair and the cause it brings about; what is safe is shown as a diff."""
    done = repro(project)
    text = " ".join(done.stdout.split())
    assert done.returncode == 1
    for words in (
        "Dockerfile:6:8: cargo build may take other versions than Cargo.lock names",
        "Dockerfile:6:33: `strip` changes the program after the build",
        "Dockerfile:2: RUSTFLAGS is set, so the flags in .cargo/config.toml do not count here: --cfg=loud",
        "Dockerfile:1: rust:1.95-bookworm is another image",
        "Cargo.toml:8: profile `release` compiles incrementally",
        "Cargo.toml: no rust-toolchain.toml says",
        "build.rs:2:26: `SystemTime::now` in a build script: the time of the build gets in",
        'src/main.rs:1:22: `env!("CARGO_MANIFEST_DIR")` in a crate: the folder of the build gets in',
        'export RUSTFLAGS="--cfg=loud -Copt-level=3 --remap-path-prefix=$PWD=/workspace',
        "+ && cargo build --locked --release && strip",
        "+incremental = false",
        "8 things stand between",
    ):
        assert words in text, done.stdout
    assert {name: (project / name).read_text(encoding="utf-8") for name in FILES} == FILES


def test_an_installation_that_reads_no_lock_is_found(project: Path) -> None:
    """`cargo install` of the project leaves Cargo.lock unread unless it says `--locked`; other crates are none."""
    file = project / "Dockerfile"
    text = file.read_text(encoding="utf-8").replace("cargo build --release", "cargo install --path . --root /out")
    file.write_text(text.replace("WORKDIR", "RUN cargo install sccache\nWORKDIR", 1), encoding="utf-8")
    done = repro(project)
    said = " ".join(done.stdout.split())
    assert "cargo install may take other versions than Cargo.lock names" in said, done.stdout
    assert "cargo install --locked --path . --root /out" in said
    assert said.count("cargo install may take") == 1


def test_what_is_safe_is_written_once(project: Path) -> None:
    """Two repairs are applied and nothing else changes; the second time there is nothing left to write."""
    done = repro(project, "--write")
    assert done.returncode == 1
    assert "changed Dockerfile, Cargo.toml" in done.stdout
    assert "6 things stand between" in done.stdout
    changed = {name: (project / name).read_text(encoding="utf-8") for name in FILES}
    assert {name for name in FILES if changed[name] != FILES[name]} == {"Dockerfile", "Cargo.toml"}
    assert changed["Dockerfile"] == FILES["Dockerfile"].replace(
        "cargo build --release", "cargo build --locked --release"
    )
    assert changed["Cargo.toml"] == FILES["Cargo.toml"].replace("incremental = true", "incremental = false")
    again = repro(project, "--write")
    assert "changed" not in again.stdout
    assert "6 things stand between" in again.stdout


def test_the_recipe_gives_the_same_program_in_another_folder(project: Path, tmp_path: Path) -> None:
    """With both sources mended, what is printed is run in two places: with debug information, bit-identical."""
    (project / "build.rs").write_text('fn main() { println!("cargo:rustc-env=BUILT=fixed"); }\n', encoding="utf-8")
    (project / "src/main.rs").write_text('fn main() { println!("{}", env!("BUILT")); }\n', encoding="utf-8")
    (project / "rust-toolchain.toml").unlink(missing_ok=True)
    (project / "Dockerfile").write_text(
        FILES["Dockerfile"]
        .replace('ENV RUSTFLAGS="-Copt-level=3"\n', "")
        .replace(" && strip target/release/hello", ""),
        encoding="utf-8",
    )
    shown = repro(project, "--write").stdout.splitlines()
    recipe = "\n".join(line.strip() for line in shown if line.startswith(("    export ", "    cargo ")))
    assert "--cfg=loud --remap-path-prefix" in recipe
    digests = set()
    for name in ("here", "another-place-with-a-longer-name"):
        shutil.copytree(project, tmp_path / name / "hello")
        folder = tmp_path / name / "hello"
        subprocess.run(["/bin/sh", "-ec", recipe], cwd=folder, capture_output=True, check=True)
        built = (folder / "target/release/hello").read_bytes()
        assert str(tmp_path).encode() not in built
        digests.add(hashlib.sha256(built).hexdigest())
    assert len(digests) == 1
