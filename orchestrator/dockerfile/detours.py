"""RUN steps that reach cargo past PATH: through `env -i` or sudo, with a PATH of their own, by its path in a script.

Here-documents that no shell reads (`#!/usr/bin/perl`) are among them: no word that changes PATH can be put into one.
Not those whose text calls cargo by its path, and in no other way: there the call itself is handed over (by_path.py).
What stands first in PATH is not met there. In such a step, and in no other, the tool's cargo lies over the base's own
file, which a second mount still shows elsewhere: so it is met on every way, and leaves nothing in the layer.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.dockerfile.by_path import places_by_path
from orchestrator.dockerfile.step_shell import is_posix
from orchestrator.dockerfile.words import expand

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.dockerfile.model import Dockerfile, Instruction, Stage
    from orchestrator.dockerfile.trace import Placed

_BY_PATH = re.compile(
    r"(?:^|[;&|({\n]|\b(?:then|do|else|exec|time|nice|env|sudo|nohup|command|timeout\s+\S+))\s*"
    r"(?:-\S+\s+|\d\S*\s+|\w+=\S*\s+)*"
    r"(?P<quote>[\"']?)(?P<path>(?:~|\$\{?\w+\}?)?(?:/[\w.@+-]+)*/cargo)(?P=quote)(?=\s|$|[;&|)])"
)
"""Where a command may stand."""

_INDIRECT = re.compile(r"\benv\s+(?:-i\b|-\s|--ignore-environment\b)|\b(?:sudo|doas|su|runuser|setpriv)\s|\bPATH=")
_LEADS_TO_CARGO = re.compile(r"\bcargo\b|\.sh\b|\./|\b(?:make|just|ninja)\b")
_REPLACES = re.compile(
    r"\brustup(?:-init)?\b(?!\s+(?:run|show|target|component|default|which|override|set)\b)|sh\.rustup\.rs"
)
"""What may put another file in the place of cargo: a mount there would make it fail."""

_ALONE = re.compile(r"\s*<<-?[\"']?\w+[\"']?\s*")
_COPIES = re.compile(r"\b(?:cp|mv|ln|install|tar|rsync|rm|cat)\b[^;&|\n]*(?:/cargo\b|\$\{?CARGO_HOME|\.cargo\b)")
"""What may take cargo elsewhere: it would take the tool's, and leave it in the image."""

USUAL = ("/usr/local/cargo/bin/cargo", "/usr/bin/cargo", "/usr/local/bin/cargo", "/root/.cargo/bin/cargo")
"""Where bases have cargo: the official image, Debian, a hand-made one, rustup's own choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detour:
    """A RUN step that reaches cargo past PATH.

    Attributes:
        line: of the step.
        base: what FROM names at the root of its stage.
        paths: absolute paths that cargo may be called by, the likeliest first.
    """

    line: int
    base: str
    paths: tuple[str, ...]


def detours(dockerfile: Dockerfile, stage: Stage, walked: Sequence[Placed]) -> Iterator[Detour]:
    """Yield a stage's steps that reach cargo past PATH; those that may replace or copy it are left alone.

    Args:
        dockerfile: the file.
        stage: one of its stages.
        walked: its instructions with their state, those of the stages that it is based on first.
    """
    root = stage
    while root.base_stage is not None:
        root = dockerfile.stages[root.base_stage]
    brought: list[str] = []
    for placed in walked:
        instruction = placed.instruction
        if instruction.keyword in {"COPY", "ADD"} and instruction.values:
            to = expand(instruction.values[-1], placed.environment)
            brought.append(posixpath.normpath(posixpath.join(placed.directory, to)))
        if instruction.keyword != "RUN" or placed.stage is not stage:
            continue
        if _REPLACES.search(instruction.script) or _COPIES.search(instruction.script):
            continue
        if not _is_indirect(instruction) and _all_handed_over(dockerfile, instruction):
            continue
        paths = tuple(
            path
            for path in dict.fromkeys(_paths(instruction.script, placed))
            # A file that COPY may have put there is not the base's.
            if not any(f"{path}/".startswith(f"{to.rstrip('/')}/") for to in brought if to != "/")
        )
        if paths:
            yield Detour(line=instruction.line, base=root.base, paths=paths)


def is_foreign(instruction: Instruction) -> bool:
    """Return whether a RUN step is a here-document that its first line gives to another interpreter than a shell."""
    if len(instruction.heredocs) != 1 or not _ALONE.fullmatch(" ".join(instruction.values)):
        return False
    first = instruction.heredocs[0].partition("\n")[0]
    return first.startswith("#!") and not is_posix(first[2:].split())


def _is_indirect(instruction: Instruction) -> bool:
    script = instruction.script
    return bool((_INDIRECT.search(script) or is_foreign(instruction)) and _LEADS_TO_CARGO.search(script))


def _all_handed_over(dockerfile: Dockerfile, instruction: Instruction) -> bool:
    """Return whether each call by a path is one that a word can be put before."""
    named = sum(1 for _ in _BY_PATH.finditer(instruction.script))
    if instruction.json:
        return named == 1 and instruction.values[0].endswith("/cargo")
    return len(places_by_path(dockerfile.text, instruction, dockerfile.escape)) >= named


def _paths(script: str, placed: Placed) -> Iterator[str]:
    home = placed.environment.get("HOME", "/root")
    for match in _BY_PATH.finditer(script):
        written = re.sub(r"^(?:~|\$\{?HOME\}?)(?=/)", home, match["path"])
        path = expand(written, placed.environment)
        if path.startswith("/"):
            yield posixpath.normpath(path)
    if _is_indirect(placed.instruction):
        cargo_home = placed.environment.get("CARGO_HOME")
        yield from ([f"{cargo_home}/bin/cargo"] if cargo_home else [])
        yield from USUAL
