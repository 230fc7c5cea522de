"""Makefiles and justfiles as the shell text that make and just run; held against make and just themselves."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.dockerfile.parse import parse
from orchestrator.dockerfile.recipes.just import just_call, just_lines
from orchestrator.dockerfile.recipes.make import make_call, make_lines
from orchestrator.dockerfile.shell.read import read_script
from orchestrator.dockerfile.spans import SourceText
from orchestrator.dockerfile.timeline.project import BuildContext
from orchestrator.dockerfile.timeline.read import read_timeline

if TYPE_CHECKING:
    from orchestrator.dockerfile.recipes.model import RecipeLine

JUST = Path(sys.executable).parent / "just"


def made(text: str, *words: str, there: frozenset[str] = frozenset()) -> tuple[RecipeLine, ...] | None:
    call = make_call(words)
    assert call is not None
    return make_lines(SourceText("Makefile", text), call, environment={}, exists=there.__contains__)


def run_by_just(text: str, *words: str) -> tuple[RecipeLine, ...] | None:
    call = just_call(words)
    assert call is not None
    return just_lines(SourceText("justfile", text), call)


def texts(lines: tuple[RecipeLine, ...] | None) -> list[str] | None:
    return None if lines is None else [line.script.content.decode().strip() for line in lines]


MAKEFILES = {
    "the-first-target": ("a:\n\techo 1\nb:\n\techo 2\n", (), ["echo 1"]),
    "what-it-needs-comes-first": (
        ".PHONY: a b c\na: b c\n\techo a\nb: c\n\techo b\nc:\n\techo c\n",
        ("a",),
        ["echo c", "echo b", "echo a"],
    ),
    "variables": (
        "X = $(Y)z\nY := y # why\nZ ?= 1\nZ += 2\na:\n\t@echo $(X) ${Z} $@ $$HOME\n",
        (),
        ["echo yz 1 2 a $HOME"],
    ),
    "given-on-the-command-line": ("X = 1\na:\n\techo $(X)\n", ("a", "X=2"), ["echo 2"]),
    "worked-out-at-once": ("X := 1\nY := $(X)\nX := 2\na:\n\techo $(Y)$(X)\n", (), ["echo 12"]),
    "continued": ("a:\n\techo 1 && \\\n\t  echo 2\n\techo 3\n", (), ["echo 1 && \\\n  echo 2", "echo 3"]),
    "two-goals": ("a:\n\techo a\nb: a\n\techo b\nc: a\n\techo c\n", ("b", "c"), ["echo a", "echo b", "echo c"]),
    "comments-and-blanks": ("# x\n\na: ; \n\n", (), None),
    "several-targets": ("a b:\n\techo $@\n", ("b",), ["echo b"]),
}


@pytest.mark.parametrize(("text", "words", "expected"), MAKEFILES.values(), ids=MAKEFILES)
def test_makefiles(text: str, words: tuple[str, ...], expected: list[str] | None, tmp_path: Path) -> None:
    """What is said that make runs is what `make -n` says."""
    assert texts(made(text, *words)) == expected
    make = shutil.which("make")
    if make and expected is not None:
        (tmp_path / "Makefile").write_text(text, encoding="utf-8")
        said = subprocess.run([make, "-n", *words], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        assert "".join(said.split()) == "".join("".join(expected).split())


@pytest.mark.parametrize(
    "text",
    [
        "include other.mk\na:\n\techo\n",
        "ifeq (1,1)\na:\n\techo\nendif\n",
        "define X\nendef\na:\n\techo\n",
        "$(shell echo a):\n\techo\n",
        ".ONESHELL:\na:\n\techo\n",
        ".RECIPEPREFIX = >\na:\n> echo\n",
        "SHELL = /usr/bin/python3\na:\n\tprint()\n",
        "%.o: %.c\n\tcc\na: b.o\n\techo\n",
        "a:: b\n\techo\n",
        "a:\n\techo $(patsubst %.c,%.o,$(X))\n",
        "a: X = 1\na:\n\techo\n",
        "\techo\n",
        "",
    ],
)  # fmt: skip
def test_of_other_makefiles_nothing_is_said(text: str) -> None:
    """A guess would be a false alarm."""
    assert not made(text)


@pytest.mark.parametrize("words", [("-n",), ("-i", "a"), ("-k",), ("--eval=x",)])
def test_calls_of_make_that_are_not_followed(words: tuple[str, ...]) -> None:
    assert make_call(words) is None


def test_how_make_is_told_where_to_go() -> None:
    call = make_call(("-j4", "--no-print-directory", "-C", "sub", "-f", "build.mk", "a", "V=1"))
    assert call is not None
    assert (call.folder, call.file, call.goals, dict(call.variables)) == ("sub", "build.mk", ("a",), {"V": "1"})


def test_a_target_that_may_be_up_to_date_is_not_sure() -> None:
    """Whether its recipe runs hangs on files and their times, unless it is phony."""
    text = "app:\n\techo\ntarget/app:\n\techo\n.PHONY: x\nx:\n\techo\n"

    def sure(goal: str, *there: str) -> bool:
        lines = made(text, goal, there=frozenset(there))
        assert lines is not None
        return lines[0].sure

    assert (sure("app"), sure("app", "app"), sure("target/app"), sure("x", "x")) == (True, False, False, True)


def test_a_failure_that_make_is_told_to_ignore() -> None:
    lines = made("a:\n\t-@cargo build\n\tcargo test\n")
    assert lines is not None
    assert [line.swallowed for line in lines] == ["`-` before the command lets make go on", None]


@pytest.mark.parametrize(
    "text",
    [
        "X = $(X)$(X)\na:\n\techo $(X)\n",
        "".join(f"V{n} = {f'$(V{n + 1})' * 20}\n" for n in range(400)) + "a:\n\techo $(V0)\n",
        "".join(f"t{n}: t{n + 1}\n\techo\n" for n in range(3000)),
        "a: b\nb: a\n\techo\n",
    ],
    ids=["itself", "many", "deep", "circle"],
)
def test_makefiles_made_to_hurt(text: str) -> None:
    """They end, and soon."""
    lines = made(text)
    assert lines is None or len(lines) < 10


@given(text=st.text(alphabet="ab \t\n:=$(){}@-#\\'\"&|%.,!", max_size=200))
def test_no_text_is_too_odd(text: str) -> None:
    for found in (made(text), run_by_just(text)):
        for line in found or ():
            read_script(line.script, variables={}, shell=line.shell)


def test_a_makefile_that_calls_itself_in_each_line_is_given_up(tmp_path: Path) -> None:
    """Followed to the end it would be eight million calls."""
    (tmp_path / "Cargo.toml").write_text('[package]\nname = "app"\nversion = "0.1.0"\n', encoding="utf-8")
    (tmp_path / "Makefile").write_text("a:\n" + "\tmake a\n" * 190, encoding="utf-8")
    text = "FROM rust\nCOPY Cargo.toml Makefile ./\nRUN make a\n"
    dockerfile = parse(text, file="Dockerfile", arguments={})
    timeline = read_timeline(dockerfile, context=BuildContext(tmp_path, None), arguments={})
    assert timeline.states[0].unreadable


def test_what_only_make_knows_is_unknown_and_places_stay_right() -> None:
    """A variable that the Makefile does not set may come from the environment."""
    lines = made("A = release\na:\n\t@cargo build --$(A) $(B)\n")
    assert lines is not None
    (command,) = read_script(lines[0].script, variables={}, shell=lines[0].shell)
    assert [word.known for word in command.words] == [True, True, True, False]
    assert (command.span.file, command.span.line, command.span.column) == ("Makefile", 3, 3)
    assert (command.words[2].span.column, command.words[2].span.last_column) == (15, 20)


JUSTFILES = {
    "the-first-recipe": ("a:\n  echo 1\nb:\n  echo 2\n", (), ["echo 1"]),
    "variables-and-parameters": ("x := 'y'\na p q='d':\n    echo {{x}} {{ p }} {{q}}\n", ("a", "1"), ["echo y 1 d"]),
    "before-and-after": ("a: b && c\n  echo a\nb:\n  @echo b\nc:\n  -echo c\n", (), ["echo b", "echo a", "echo c"]),
    "once": ("a: b\n  echo a\nb:\n  echo b\n", ("b", "a"), ["echo b", "echo a"]),
    "aliases": ("alias t := test\n[private]\ntest:\n  echo t\n", ("t",), ["echo t"]),
    "continued": ("a:\n  echo 1 && \\\n    echo 2\n  echo 3\n", (), ["echo 1 && \\\n    echo 2", "echo 3"]),
    "settings": ('set dotenv-load\nset shell := ["bash", "-uc"]\na:\n  echo\n', (), ["echo"]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "words", "expected"), JUSTFILES.values(), ids=JUSTFILES)
def test_justfiles(text: str, words: tuple[str, ...], expected: list[str], tmp_path: Path) -> None:
    """What is said that just runs is what `just --dry-run` says."""
    assert texts(run_by_just(text, *words)) == expected
    (tmp_path / "justfile").write_text(text, encoding="utf-8")
    done = subprocess.run([JUST, "--dry-run", *words], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "".join(done.stderr.replace("\\\n", "").split()) == "".join("".join(expected).replace("\\\n", "").split())


def test_a_recipe_that_is_a_script_is_one_script() -> None:
    lines = run_by_just("v := 'x'\na:\n  #!/usr/bin/env bash\n  set -eu\n  if true; then\n    echo {{v}}\n  fi\n")
    assert lines is not None
    assert texts(lines) == ["set -eu\nif true; then\n  echo x\nfi"]
    (command,) = [
        each for each in read_script(lines[0].script, variables={}, shell=lines[0].shell) if each.name == "echo"
    ]
    assert (command.span.line, command.span.column) == (6, 5)


@pytest.mark.parametrize(
    "text",
    [
        "import 'x.just'\na:\n  echo\n",
        "mod x\na:\n  echo\n",
        "[no-cd]\na:\n  echo\n",
        "set working-directory := 'x'\na:\n  echo\n",
        "set shell := ['python3', '-c']\na:\n  echo\n",
        "a: (b 'x')\n  echo\nb p:\n  echo\n",
        "a:\n  #!/usr/bin/python3\n  print()\n",
        "a +p:\n  echo\n",
        "a p:\n  echo\n",
        "",
    ],
)  # fmt: skip
def test_of_other_justfiles_nothing_is_said(text: str) -> None:
    """A guess would be a false alarm."""
    assert not run_by_just(text)
