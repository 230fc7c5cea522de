"""Which RUN step made a witnessed call: by the step's text where it was read, else by arguments and order."""

from __future__ import annotations

import pytest

from orchestrator.dockerfile.calls import cargo_calls, may_link, place_calls
from orchestrator.dockerfile.model import Dockerfile
from orchestrator.dockerfile.parse import parse

PLAIN = ("build", "--release")


def dockerfile(*lines: str) -> Dockerfile:
    return parse("\n".join(("FROM rust AS builder", *lines, "")), file="Dockerfile", arguments={})


def lines_of(file: Dockerfile, *calls: tuple[tuple[str, ...], str], stage: int = 0) -> list[int | None]:
    return place_calls(file, [(stage, arguments, text) for arguments, text in calls])


@pytest.mark.parametrize(
    ("arguments", "links"),
    [
        (PLAIN, True),
        (("+nightly", "build", "--lib", "--bin", "app"), True),
        (("leptos", "build"), True),
        (("check", "--release"), False),
        (("build", "--release", "--lib"), False),
        (("--locked", "clippy"), False),
        (("--color", "never", "check"), False),
        (("-C", "crate", "d"), False),
        (("run", "--release", "--", "--lib"), True),
        (("xtask", "dist", "--lib", "a"), True),
        (("build", "--lib", "$MORE"), True),
        (("check", "$MORE"), False),
    ],
)
def test_which_calls_can_link_a_program(arguments: tuple[str, ...], *, links: bool) -> None:
    """What a subcommand that nobody knows does is left open."""
    assert may_link(arguments) is links


def test_equal_calls_go_to_the_steps_in_their_order() -> None:
    file = dockerfile("RUN echo > src/main.rs && cargo build --release", "COPY . .", "RUN cargo build --release")
    assert lines_of(file, (PLAIN, ""), (PLAIN, "")) == [2, 4]


def test_the_steps_text_decides_where_it_is_known() -> None:
    """Only the second step's call was witnessed (the first one called cargo by its path, say)."""
    file = dockerfile("RUN true && cargo build --release", "COPY . .", "RUN touch x && \\\n  cargo build --release")
    assert lines_of(file, (PLAIN, "/bin/sh\n-c\ntouch x &&   cargo build --release")) == [4]


def test_a_step_text_that_ends_like_another_is_told_apart() -> None:
    file = dockerfile("RUN cargo build --release", "RUN touch x; cargo build --release")
    assert lines_of(file, (PLAIN, "/bin/sh\n-c\ntouch x; cargo build --release")) == [3]


def test_a_loop_makes_several_calls() -> None:
    file = dockerfile('RUN for p in a b; do cargo build --release -p "$p"; done', "RUN cargo build --release")
    calls = [(("build", "--release", "-p", name), "") for name in ("a", "b")]
    assert lines_of(file, *calls, (PLAIN, "")) == [2, 2, 3]


def test_a_script_is_where_it_is_called() -> None:
    file = dockerfile("COPY prime.sh .", "RUN ./prime.sh", "RUN cargo build --release")
    assert lines_of(file, (("build", "--release", "--locked"), ""), (PLAIN, "")) == [3, 4]


def test_what_no_step_can_have_made_has_no_line() -> None:
    assert lines_of(dockerfile("RUN true"), (PLAIN, "")) == [None]
    assert lines_of(dockerfile("RUN cargo build"), (("build",), ""), stage=7) == [None]


def test_redirections_and_pipes_are_no_arguments() -> None:
    file = dockerfile("RUN cargo build --release 2>&1 | tee log", "RUN cargo build >log || true")
    calls = [found.arguments for step in file.stages[0].instructions for found in cargo_calls(step)]
    assert calls == [PLAIN, ("build",)]


def test_a_path_before_cargo_is_seen() -> None:
    file = dockerfile("RUN /usr/local/cargo/bin/cargo build", 'RUN ["cargo", "build"]')
    assert [found.by_path for step in file.stages[0].instructions for found in cargo_calls(step)] == [True, False]


def test_a_path_that_is_copied_or_asked_about_is_no_call() -> None:
    file = dockerfile(
        'RUN mkdir /opt/rust && cp -L $CARGO_HOME/bin/cargo /opt/rust/cargo && [ -x "/opt/rust/cargo" ]',
        "RUN if test -f /opt/cargo; then A=1 sudo mv /opt/cargo /x/cargo; fi; (ls /x/cargo)",
        "RUN test -x /x/cargo && /x/cargo build; x=$(/x/cargo metadata)",
        "RUN eval /x/cargo build; xargs /x/cargo build",
    )
    calls = [cargo_calls(step) for step in file.stages[0].instructions]
    assert [len(each) for each in calls] == [0, 0, 2, 2]
    assert calls[2][0].arguments == ("build",)


def test_an_unclosed_quote_is_read_as_far_as_it_goes() -> None:
    step = dockerfile("RUN echo 'oh && cargo build").stages[0].instructions[0]
    assert [found.arguments for found in cargo_calls(step)] == [("build",)]


def test_a_check_links_nothing() -> None:
    file = dockerfile("RUN cargo check --release", "RUN cargo +nightly build", "RUN cargo $COMMAND")
    assert [found.links for step in file.stages[0].instructions for found in cargo_calls(step)] == [False, True, True]
