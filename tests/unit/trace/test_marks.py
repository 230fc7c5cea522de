"""What the text of steps tells: placeholders that they write, tools that change a program, a command that builds."""

from __future__ import annotations

import hashlib

import pytest

from orchestrator.dockerfile.marks import cache_mounts, changes, launch_by_cargo, texts_written
from orchestrator.dockerfile.model import Dockerfile
from orchestrator.dockerfile.parse import parse


def dockerfile(*lines: str) -> Dockerfile:
    return parse("\n".join(("FROM rust AS builder", *lines, "")), file="Dockerfile", arguments={})


@pytest.mark.parametrize(
    ("step", "text"),
    [
        ("RUN echo 'fn main() {}' > src/main.rs", "fn main() {}\n"),
        ('RUN echo "pub fn f() -> u8 { 7 }" > src/lib.rs', "pub fn f() -> u8 { 7 }\n"),
        ("RUN printf 'fn main() {\\n}\\n' > src/main.rs", "fn main() {\n}\n"),
        ('RUN echo "fn main() { println!(\\"stub\\") }" > src/main.rs', 'fn main() { println!("stub") }\n'),
        ("RUN <<EOF cat > src/main.rs\nfn main() {}\nEOF", "fn main() {}\n"),
    ],
)
def test_a_placeholder_that_a_step_writes_is_known_by_its_digest(step: str, text: str) -> None:
    assert texts_written(dockerfile(step))[hashlib.sha256(text.encode()).hexdigest()] == text


def test_tools_that_change_a_program_are_seen_where_they_are_commands() -> None:
    file = dockerfile(
        "ENV RUSTFLAGS='-C strip=symbols'",
        "RUN cargo build && strip target/release/app",
        "RUN echo strip it; /usr/bin/upx --best app",
    )
    assert changes(file.stages) == ((3, "strip"), (4, "upx"))


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (['CMD ["cargo", "run", "--release"]'], (2, "cargo run --release")),
        (["ENTRYPOINT cargo run"], (2, "cargo run")),
        (['CMD ["cargo", "run"]', 'CMD ["/app"]'], None),
        (['ENTRYPOINT ["/app/cargo-server"]'], None),
        (['CMD ["cargo", "run"]', "FROM builder AS final"], (2, "cargo run")),
    ],
)
def test_a_command_that_builds_is_seen(lines: list[str], found: tuple[int, str] | None) -> None:
    assert launch_by_cargo(dockerfile(*lines), None) == found


def test_cache_mounts_are_those_of_that_type() -> None:
    step = dockerfile(
        "RUN --mount=type=cache,target=/a/ --mount=type=bind,target=/b --mount=type=cache,id=x,dst=/c true"
    )
    assert cache_mounts(step.stages[0].instructions[0]) == ("/a", "/c")
