"""What a run knows of both builds' inputs comes before guesses from bytes; what nobody knows is left to probes."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.engine, pytest.mark.cargo]

TARGET = "x86_64-unknown-linux-gnu"


def test_a_target_on_one_side_is_the_cause(hello: Any) -> None:
    """The image builds with an explicit --target, the host does not: that is said, and nothing else is blamed."""
    place = hello.folder / "Dockerfile"
    text = place.read_text(encoding="utf-8").replace(
        "cargo build --release", f"cargo build --release --target {TARGET}"
    )
    place.write_text(text.replace("target/release/hello", f"target/{TARGET}/release/hello"), encoding="utf-8")
    run = hello.build()
    parity = run.check("parity")
    assert run.check("stub-free")["status"] == "passed", run.check("stub-free")
    assert (run.exit_code, parity["cause"]) == (1, "symbol-hash")
    assert TARGET in parity["message"] + str(parity["evidence"])


def test_a_variable_before_the_call_is_the_cause(hello: Any) -> None:
    """A step sets the profile for its own call of cargo: the setting is named with both values, and certain."""
    place = hello.folder / "Dockerfile"
    manifest = hello.folder / "Cargo.toml"
    manifest.write_text(
        manifest.read_text(encoding="utf-8") + '\n[profile.release]\npanic = "unwind"\n', encoding="utf-8"
    )
    text = place.read_text(encoding="utf-8")
    place.write_text(text.replace("cargo build", "CARGO_PROFILE_RELEASE_PANIC=abort cargo build"), encoding="utf-8")
    run = hello.build()
    parity = run.check("parity")
    assert run.check("stub-free")["status"] == "passed", run.check("stub-free")
    assert (run.exit_code, parity["cause"]) == (1, "panic-strategy")
    assert {"label": "input panic", "value": "local unwind, image abort"} in parity["evidence"], parity["evidence"]


def test_a_refused_run_is_probed(hello: Any) -> None:
    """Nothing that is known differs; two more builds with the clock held still name the time. A second call is free."""
    place = hello.folder / "Dockerfile"
    text = place.read_text(encoding="utf-8")
    place.write_text(text.replace("COPY Cargo.toml", "COPY build.rs Cargo.toml"), encoding="utf-8")
    hello.write(
        {
            "build.rs": """fn main() {
                let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
                println!("cargo:rustc-env=SEEN={}", now % 1_000_000_007);
            }""",
            "src/main.rs": 'fn main() { println!("hello from the real program {}", env!("SEEN")); }',
        }
    )
    run = hello.build("--probe")
    assert (run.exit_code, run.check("parity")["status"]) == (1, "failed")
    assert (
        "timestamp: the same build, made twice, gives two programs; with the clock held still it gives one"
        in " ".join(run.stderr.split())
    )
    again = hello.invoke("probe", "--spec", "buildspec.yaml")
    assert again.exit_code == 0
    assert again.stdout.count("remembered") == 3
