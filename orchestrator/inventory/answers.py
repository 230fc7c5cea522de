"""From what a side answers to what is known of it. `ask.sh` asks."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING

from orchestrator.inventory.model import SideInventory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

QUESTIONS = (files("orchestrator.inventory") / "ask.sh").read_text(encoding="utf-8")
"""The script that asks; its answers are read by `side_of`."""

LINKER = ("TWINBUILD_LINKER", "TWINBUILD_LINKER_BEHIND")
"""Variables that tell the script what rustc calls to link, and what that is told to link with; unset where the project
leaves it to them."""

_LINKED_INTO_ALL = re.compile(r"libc6?-dev|musl-dev|libgcc-[0-9.]+-dev")
"""Packages of which every program gets something: start files, libc, libgcc."""


def side_of(said: str, *, libraries: bool) -> SideInventory:
    """Return what a side says of itself.

    Args:
        said: the answers.
        libraries: whether a build script may look for system libraries. Without one, what lies about on a machine is
            no part of the build, and only the packages are told that are linked into every program.
    """
    answers = _answers(said)
    rustc = dict(line.partition(": ")[::2] for line in answers.get("rustc", ()))
    release = rustc.get("release")
    packages = {name: version for name, version in _pairs(answers.get("packages", ())).items() if name.endswith("-dev")}
    return SideInventory(
        rustc=f"{release} ({rustc.get('commit-hash', 'unknown')})" if release else None,
        llvm=rustc.get("LLVM version"),
        target=rustc.get("host"),
        c_compiler=_first(answers.get("cc", ())),
        linker=_first(answers.get("ld", ())),
        modules=_pairs(answers.get("modules", ())) if libraries else {},
        packages={name: version for name, version in packages.items() if libraries or _LINKED_INTO_ALL.fullmatch(name)},
    )


def _answers(said: str) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    name = ""
    for line in said.splitlines():
        begins = re.fullmatch(r"\[([a-z]+)\]", line)
        if begins is not None:
            name = begins[1]
            found[name] = []
        elif name and line.strip():
            found[name].append(line)
    return found


def _first(lines: Sequence[str]) -> str | None:
    return lines[0].strip() if lines else None


def _pairs(lines: Sequence[str]) -> dict[str, str]:
    return dict(sorted((name, version or "unknown") for name, _, version in (line.partition(" ") for line in lines)))
