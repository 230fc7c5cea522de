"""Which linker a project asks for, in each of the ways in which it can say so."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from orchestrator.inventory.answers import LINKER, QUESTIONS
from orchestrator.toolchains.cargo.linker import LinkerChoice, chosen_linker

HOST = "x86_64-unknown-linux-gnu"
VARIABLE = "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER"


def chosen(config: dict[str, Any], **variables: str) -> tuple[str, str]:
    found = chosen_linker(config, variables, host=HOST, facts=lambda: ("unix", 'target_os="linux"'))
    return found.program, found.behind


@pytest.mark.parametrize(
    ("config", "variables", "expected"),
    [
        ({}, {}, ("", "")),
        ({"target": {HOST: {"linker": "lld"}}}, {}, ("lld", "")),
        ({"target": {"cfg(unix)": {"linker": "clang"}}}, {}, ("clang", "")),
        ({"target": {"cfg(windows)": {"linker": "clang"}}}, {}, ("", "")),
        (
            {"target": {HOST: {"linker": "lld"}}},
            {VARIABLE: "clang"},
            ("clang", ""),
        ),
        ({"target": {HOST: {"linker": "lld", "rustflags": ["-Clinker=clang"]}}}, {}, ("clang", "")),
        ({"build": {"rustflags": ["-C", "link-arg=-fuse-ld=mold"]}}, {}, ("", "mold")),
        ({}, {"RUSTFLAGS": "--codegen=linker=clang --codegen link-args=-fuse-ld=lld"}, ("clang", "lld")),
        ({}, {"CARGO_ENCODED_RUSTFLAGS": "-Clink-args=-s -fuse-ld=gold\x1f-Clink_arg=-fuse-ld=bfd"}, ("", "bfd")),
        ({"build": {"rustflags": ["-Clink-arg=-fuse-ld=mold"]}}, {"RUSTFLAGS": "-Copt-level=1"}, ("", "")),
    ],
)
def test_it_is_read_as_cargo_and_rustc_do(
    config: dict[str, Any], variables: dict[str, str], expected: tuple[str, str]
) -> None:
    """Variables before configuration, flags after it, and of the flags the last."""
    assert chosen(config, **variables) == expected


def answer(folder: Path, choice: LinkerChoice) -> list[str]:
    """Return what the real script says of the linker where these programs are first in PATH."""
    given = dict(zip(LINKER, (choice.program, choice.behind), strict=True))
    variables = {"PATH": f"{folder}:/usr/bin:/bin", **{name: value for name, value in given.items() if value}}
    done = subprocess.run(["/bin/sh", "-c", QUESTIONS], env=variables, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    return lines[lines.index("[ld]") + 1 : lines.index("[modules]")]


@pytest.mark.cargo
def test_the_chosen_one_is_asked(tmp_path: Path) -> None:
    """A linker by its name, one behind the C compiler, one behind another compiler; and one that is not there."""
    for name, said in {"ld.lld": "LLD 1", "ld.mold": "mold 2", "my-cc": "/bin/never"}.items():
        text = f"#!/bin/sh\ncase $1 in -print-prog-name=*) echo ${{1#*=}} ;; *) echo {said} ;; esac\n"
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    assert answer(tmp_path, LinkerChoice(program="ld.lld")) == ["LLD 1"]
    assert answer(tmp_path, LinkerChoice(behind="mold")) == ["mold 2"]
    assert answer(tmp_path, LinkerChoice(program="my-cc", behind="lld")) == ["LLD 1"]
    assert answer(tmp_path, LinkerChoice(behind=str(tmp_path / "ld.mold"))) == ["mold 2"]
    assert answer(tmp_path, LinkerChoice(behind="not-there")) == []
    assert answer(tmp_path, LinkerChoice())[0].startswith("GNU ld")
