"""Which steps of a builder stage may bring it a compiler, a linker or a library."""

from __future__ import annotations

import pytest

from orchestrator.build.builder_side import _may_install
from orchestrator.dockerfile.parse import parse


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("RUN apt-get update && apt-get install -y cmake", True),
        ("RUN apk add build-base && cargo build --release", True),
        ("RUN ./setup.sh", True),
        ('RUN ["/opt/setup", "all"]', True),
        ("RUN cat /odd/status >>/var/lib/dpkg/status", True),
        ("RUN <<EOF\nset -e\napt-get install -y lld\nEOF", True),
        ("RUN cargo build --release --locked", False),
        ("RUN cargo build --release && cp target/release/app /app", False),
        ("RUN mkdir -p src && echo 'fn main() {}' > src/main.rs", False),
        ("RUN mkdir src; touch src/lib.rs", False),
    ],
)
def test_a_step_that_may_install_something(step: str, *, expected: bool) -> None:
    """Every step that is not known to bring nothing; with cargo in it, those that name an installer."""
    dockerfile = parse(f"FROM rust:1\n{step}\n", file="Dockerfile", arguments={})
    assert _may_install(dockerfile.stages[0].instructions[0]) is expected
