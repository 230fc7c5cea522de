"""Any program's way back to the call of cargo that wrote it."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.engine, pytest.mark.cargo]


def test_the_way_back_of_a_program(hello: Any) -> None:
    """An image's program, a stage's, and a foreign one: line, call, sources, or that nobody knows it."""
    assert hello.build().exit_code == 0
    shipped = hello.invoke("why", hello.tag, "--spec", "buildspec.yaml")
    assert shipped.exit_code == 0, shipped.stderr
    assert "written by  `cargo build --release --locked` at line 6, stage builder" in shipped.stdout
    assert "from the run's sources\n" in shipped.stdout
    staged = hello.invoke("why", "builder:/app/target/release/hello", "--spec", "buildspec.yaml")
    assert "image:/usr/local/bin/hello" in staged.stdout
    foreign = hello.invoke("why", "/bin/true", "--spec", "buildspec.yaml")
    assert foreign.exit_code == 1
    assert "no run of this project has met these bytes" in foreign.stdout
    missing = hello.invoke("why", "no-such-file", "--spec", "buildspec.yaml")
    assert missing.exit_code == 3
    assert "no-such-file" in missing.stderr


def test_a_stub_tells_what_it_was_made_of(hello: Any) -> None:
    """The placeholder's call is named, with the sources that it saw otherwise."""
    place = hello.folder / "Dockerfile"
    place.write_text(place.read_text(encoding="utf-8").replace("touch src/main.rs && ", ""), encoding="utf-8")
    spec = hello.folder / "buildspec.yaml"
    spec.write_text(spec.read_text(encoding="utf-8") + "stub: {guard: observe}\n", encoding="utf-8")
    assert hello.build().cause == "cached-stub"
    told = hello.invoke("why", "builder:/app/target/release/hello", "--spec", "buildspec.yaml").stdout
    assert "written by  `cargo build --release --locked` at line 4" in told
    assert "from other sources than the run's: src/main.rs differed" in told
    assert "kept by     `cargo build --release --locked` at line 6" in told
