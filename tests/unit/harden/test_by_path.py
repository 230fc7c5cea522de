"""A word before each cargo that is called by its path: a real shell does the same with it and without it."""

from __future__ import annotations

import random
import subprocess
from typing import TYPE_CHECKING

import pytest

from orchestrator.dockerfile.by_path import places_by_path
from orchestrator.dockerfile.parse import parse
from orchestrator.errors import DockerfileInvalidError

if TYPE_CHECKING:
    from pathlib import Path

CALLS = (
    "{c} a b",
    "A=1 {c} x",
    '"{c}" y',
    "$HOME/cargo z",
    "${{HOME}}/cargo w",
    "~/cargo v",
    "exec {c} q",
    "command {c} p",
)
OTHERS = (
    *("echo {c} c", "echo '{c} d; {c} e'", 'echo "; {c} f"', "ls {c}", "test -x {c}", "x={c}", "$x g", "true", "false"),
    *("! {c} h", 'echo "$({c} i)"', "echo `{c} j`", "y=$({c} k); echo $y", "({c} l)", "{{ {c} m; }}", "{c} n > out"),
    *("if {c} o; then {c} r; else {c} s; fi", "for i in 1 2; do {c} $i; done", "case {c} in */cargo) {c} t;; esac"),
    *(
        "f() {{ {c} u; }}; f; f",
        "env A=b {c} 1",
        "nice -n 5 {c} 2",
        "timeout 5 {c} 3",
        "eval {c} 4",
        "echo 5 | xargs {c}",
    ),
    *(
        "echo a#{c} # {c} b",
        "{c} é ü",
        "printf '%s\\n' {c} > made && cat made",
        'mkdir -p "$HOME/there" && cd "$HOME/there" && {c} 6',
        "{c} \\\n  7 && \\\n  {c} 8",
    ),
)
JOINTS = (" && ", " || ", "; ", " | ", " & wait; ", " && \\\n  ", "; \\\n# {c} in a comment\n  ")


def said(script: str, folder: Path) -> tuple[str, int, str]:
    """Return what a script prints, its exit code, and what it writes."""
    made = folder / "made"
    made.unlink(missing_ok=True)
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        timeout=20,
        check=False,
    )
    return done.stdout, done.returncode, made.read_text(encoding="utf-8") if made.exists() else ""


@pytest.mark.parametrize("seed", range(8))
def test_a_shell_does_the_same_with_the_word_and_without_it(seed: int, tmp_path: Path) -> None:
    """`cargo` tells its words and how often it was called, `at` counts how often it stood before one."""
    cargo, at, count = tmp_path / "cargo", tmp_path / "at", tmp_path / "count"
    cargo.write_text('#!/bin/sh\necho "$0 called with $* in $PWD, A=${A-}"\n', encoding="utf-8")
    at.write_text(f'#!/bin/sh\necho x >> {count}\nexec "$@"\n', encoding="utf-8")
    for script in (cargo, at):
        script.chmod(0o755)
    chance, handed = random.Random(seed), 0  # noqa: S311 - trials, no secrets
    for _ in range(25):
        parts = [chance.choice(CALLS if chance.random() < 0.4 else OTHERS) for _ in range(chance.randint(1, 4))]
        text = parts[0]
        for part in parts[1:]:
            text += chance.choice(JOINTS) + part
        written = f"FROM x\nRUN {text.format(c=cargo)}\n"
        try:
            step = parse(written, file="", arguments={}).stages[0].instructions[0]
        except DockerfileInvalidError:
            continue
        sent = written
        for place in reversed(places_by_path(written, step, "\\")):
            sent = f"{sent[:place]}{at} {sent[place:]}"
            handed += 1
        after = parse(sent, file="", arguments={}).stages[0].instructions[0]
        assert said(after.values[0], tmp_path) == said(step.values[0], tmp_path), sent
    assert handed > 10
    assert count.read_text(encoding="utf-8").count("x") > 10
