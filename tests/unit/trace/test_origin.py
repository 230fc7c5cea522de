"""Where the shipped file comes from, over stages, images and the build context."""

from __future__ import annotations

import pytest

from orchestrator.dockerfile.parse import parse
from orchestrator.dockerfile.trace import BuilderPlace, Tracer

BUILDER = "FROM rust AS builder\nWORKDIR /app\nCOPY . .\nRUN cargo build --release\n"


def place(text: str, *, binary: str = "/usr/local/bin/app") -> BuilderPlace:
    tracer = Tracer(parse(text, file="Dockerfile", arguments={}), arguments={}, base_environment=lambda _base: {})
    return tracer.builder_place(None, binary=binary, manifest="Cargo.toml")


@pytest.mark.parametrize(
    ("copy", "program"),
    [
        ("COPY --from=builder /app/target/release/app /usr/local/bin/app", "/app/target/release/app"),
        ("COPY --from=builder /app/target/release/app /usr/local/bin/", "/app/target/release/app"),
        ("COPY --from=0 /app/target/release/server /usr/local/bin/app", "/app/target/release/server"),
        ("COPY --from=builder /app/target/release/ /usr/local/bin/", "/app/target/release/app"),
        ("WORKDIR /usr/local\nCOPY --from=builder /app/target/release/app bin/app", "/app/target/release/app"),
    ],
)
def test_a_file_is_followed_over_stages(copy: str, program: str) -> None:
    found = place(f"{BUILDER}FROM debian\n{copy}\n")
    assert (found.stage.name, found.program, found.workspace) == ("builder", program, "/app")
    assert found.cargo_lines == (4,)


def test_each_copy_on_the_way_is_told_the_last_one_first() -> None:
    middle = "FROM debian AS packed\nCOPY --from=builder /app/target/release/app /out/app\n"
    found = place(f"{BUILDER}{middle}FROM debian\nCOPY --from=packed /out/app /usr/local/bin/app\n")
    assert found.copies == (8, 6)


def test_the_later_copy_wins() -> None:
    copies = "COPY --from=builder /a /opt/bin\nCOPY --from=builder /b /opt/bin\n"
    assert place(f"{BUILDER}FROM debian\n{copies}", binary="/opt/bin").program == "/b"


def test_a_later_file_of_the_same_folder_does_not_hide_it() -> None:
    """`COPY config.toml ./` would bring the program only if that were a folder."""
    copies = "WORKDIR /srv\nCOPY --from=builder /app/target/release/app ./\nCOPY --from=builder /app/config.toml ./\n"
    assert place(f"{BUILDER}FROM debian\n{copies}", binary="/srv/app").program == "/app/target/release/app"
    copies = "COPY --from=builder /out /usr/local\nCOPY --from=builder /app/config.toml /usr/local/\n"
    assert place(f"{BUILDER}FROM debian\n{copies}").program == "/out/bin/app"


@pytest.mark.parametrize("step", ["cargo build --release", "make", "cargo chef cook && cargo build --release"])
def test_a_cached_target_folder_is_not_where_the_program_is_made(step: str) -> None:
    """The stage that compiles after it is."""
    text = (
        f"{BUILDER.replace('builder', 'cacher')}FROM rust AS builder\nWORKDIR /app\nCOPY . .\n"
        f"COPY --from=cacher /app/target target\nRUN {step}\n"
        "FROM debian\nCOPY --from=builder /app/target/release/app /usr/local/bin/app\n"
    )
    found = place(text)
    assert (found.stage.name, found.program, found.cargo_lines) == (
        "builder",
        "/app/target/release/app",
        () if step == "make" else (9,),
    )
    assert place(text.replace(f"RUN {step}\n", "RUN cargo test --no-run && ls\n")).stage.name == "builder"
    assert place(text.replace(f"RUN {step}\n", "RUN cargo fetch\n")).stage.name == "cacher"


def test_what_is_set_after_the_last_step_is_not_seen_by_it() -> None:
    """The host's build takes cargo's home and the variables from here."""
    copied = "FROM debian\nCOPY --from=builder /app/target/release/app /usr/local/bin/app\n"
    text = f"{BUILDER}ENV CARGO_HOME=/tmp/home\n{copied}"
    assert place(text).cargo_home is None
    assert place(text.replace("RUN cargo", "ENV CARGO_HOME=/first A=1\nRUN cargo")).environment == {
        "CARGO_HOME": "/first",
        "A": "1",
    }


def test_an_image_that_is_no_stage_is_told() -> None:
    found = place("FROM debian\nCOPY --from=app:old /bin/app /usr/local/bin/app\n")
    assert found.image == (2, "app:old")


def test_a_copy_out_of_the_context_is_told_with_its_path_there() -> None:
    found = place("FROM debian\nCOPY dist/app /usr/local/bin/app\n")
    assert found.context == ((2, "dist/app"),)
    assert found.image is None


def test_the_folder_of_the_context_may_bring_it() -> None:
    found = place(f"{BUILDER}FROM debian\nCOPY --from=builder /app/target/release/app /usr/local/bin/app\n")
    assert found.context == ((3, "target/release/app"),)


def test_a_stage_begins_in_the_folder_of_its_base() -> None:
    file = parse("FROM musl AS builder\nCOPY . .\nWORKDIR service\nRUN cargo build\n", file="Dockerfile", arguments={})
    tracer = Tracer(
        file, arguments={}, base_environment=lambda _base: {}, base_directory=lambda _base: "/home/rust/src"
    )
    assert [placed.directory for placed in tracer.walk(file.stages[0])] == [
        "/home/rust/src",
        "/home/rust/src/service",
        "/home/rust/src/service",
    ]
    assert tracer.source_place(file.stages[0], "service/Cargo.toml") == "/home/rust/src/service/Cargo.toml"


def test_a_global_argument_keeps_its_value() -> None:
    """A stage asks for it by its name alone."""
    text = "ARG APP=server\nFROM debian\nARG APP\nWORKDIR /srv/$APP\nRUN true\n"
    file = parse(text, file="Dockerfile", arguments={})
    walked = Tracer(file, arguments={}, base_environment=lambda _base: {}).walk(file.stages[0])
    assert walked[-1].directory == "/srv/server"
