"""Ignore comments: what they speak for, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.flow.lint import lint

HEAD = """FROM rust AS builder
WORKDIR /app
COPY Cargo.toml ./
RUN mkdir src && echo 'fn main() {}' > src/main.rs && cargo build --release
COPY src src
"""
TAIL = """
FROM debian
COPY --from=builder /app/target/release/app /usr/local/bin/app
"""


def rules(folder: Path, build: str, script: str = "") -> tuple[list[str], int]:
    (folder / "Dockerfile").write_text(HEAD + build + TAIL, encoding="utf-8")
    if script:
        (folder / "Cargo.toml").write_text('[package]\nname = "app"\nversion = "0.1.0"\n', encoding="utf-8")
        (folder / "src").mkdir()
        (folder / "src" / "main.rs").write_text("fn main() {}", encoding="utf-8")
        (folder / "build.sh").write_text(script, encoding="utf-8")
    file = lint([str(folder / "Dockerfile")], None).files[0]
    return [finding.rule for finding in file.findings], file.ignored


@pytest.mark.parametrize(
    "build",
    [
        "# twinbuild ignore=stub-not-invalidated times are new here\nRUN cargo build --release",
        "#twinbuild ignore = stub-not-invalidated: times are new here\n# more words\nRUN cargo build --release",
        "RUN true \\\n  # twinbuild ignore=stub-not-invalidated times are new here\n  && cargo build --release",
        "# twinbuild ignore=cached-clone,stub-not-invalidated times are new\nRUN cargo build --release",
    ],
)
def test_ignored(tmp_path: Path, build: str) -> None:
    """A comment above the instruction or inside it takes out the finding that it names, and counts it."""
    found, ignored = rules(tmp_path, build)
    assert "stub-not-invalidated" not in found
    assert ignored == 1


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        ("# twinbuild ignore=stub-not-invalidated\nRUN cargo build --release", "ignore-without-reason"),
        ("# twinbuild ignore=stub-not-invalidated  --\nRUN cargo build --release", "ignore-without-reason"),
        ("# twinbuild ignore= because\nRUN cargo build --release", "ignore-without-reason"),
        ("# twinbuild ignore=stub-not-invalid because\nRUN cargo build --release", "ignore-unknown-rule"),
        ("# twinbuild ignore=cached-clone because\nRUN cargo build --release", "ignore-unused"),
    ],
)
def test_mistakes(tmp_path: Path, build: str, expected: str) -> None:
    """A comment without a reason, of an unknown rule, or without need is a finding and takes nothing out."""
    found, ignored = rules(tmp_path, build)
    assert sorted(found) == sorted([expected, "stub-not-invalidated"])
    assert ignored == 0


def test_other_instructions_are_not_meant(tmp_path: Path) -> None:
    """A comment speaks for the next instruction alone."""
    build = "# twinbuild ignore=stub-not-invalidated times are new\nRUN true\nRUN cargo build --release"
    assert rules(tmp_path, build) == (["ignore-unused", "stub-not-invalidated"], 0)


@pytest.mark.parametrize(
    "script",
    [
        "#!/bin/sh\n# twinbuild ignore=stub-not-invalidated times are new\ncargo build --release\n",
        "#!/bin/sh\ncargo build --release # twinbuild ignore=stub-not-invalidated times are new\n",
    ],
)
def test_in_scripts(tmp_path: Path, script: str) -> None:
    """In a script that is copied and run, the comment stands above the command or behind it."""
    found, ignored = rules(tmp_path, "COPY build.sh ./\nRUN sh build.sh", script)
    assert (found, ignored) == ([], 1)
