"""What the text of RUN steps and of the image's command tells about a program's way: placeholders, later changes."""

from __future__ import annotations

import hashlib
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from orchestrator.dockerfile.model import Dockerfile, Instruction, Stage

_TOOLS = "strip|eu-strip|llvm-strip|sstrip|upx|upx-ucl|patchelf|chrpath|objcopy|llvm-objcopy"
_CHANGE = re.compile(rf"(?:^|[;&|(\n]|\bthen\b|\bdo\b)\s*(?:\S*/)?(?P<tool>{_TOOLS})\s")
_PACKS = re.compile(
    r"(?:^|[;&|(\n{]|\bthen\b|\bdo\b)\s*(?P<tool>[\w./-]*\bupx(?:-ucl)?)(?P<words>(?:[ \t]+[^\s;&|()<>#]+)+)"
)
_SAYS_NOTHING = re.compile(r"-o.+|-[qvfkt]+|--(?:quiet|verbose|force.*|keep|backup|test|no-color|mono|color)")
_QUOTED = re.compile(r"'([^']*)'|\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)
_BUILDS = re.compile(r"\bcargo\b[^;&|]*\b(?:run|r|build|b|install|watch|test)\b")
_LONGEST = 4096


def texts_written(dockerfile: Dockerfile) -> dict[str, str]:
    """Return text by sha256 for what RUN steps may write into a file: quoted words and here-documents."""
    found = {}
    for stage in dockerfile.stages:
        for instruction in stage.instructions:
            if instruction.keyword == "RUN":
                for text in _texts(instruction):
                    found[hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()] = text
    return found


def changes(stages: Iterable[Stage]) -> tuple[tuple[int, str], ...]:
    """Return (line, tool) of the RUN steps that call a tool which changes a finished program."""
    return tuple(
        (instruction.line, match["tool"])
        for stage in stages
        for instruction in stage.instructions
        if instruction.keyword == "RUN"
        for match in _CHANGE.finditer(instruction.script.replace("\\\n", " "))
    )


def cache_mounts(instruction: Instruction) -> tuple[str, ...]:
    """Return the targets of a RUN step's cache mounts, without a slash at their end."""
    mounts = (flag.removeprefix("--mount=").split(",") for flag in instruction.flags if flag.startswith("--mount="))
    return tuple(
        value.rstrip("/")
        for options in mounts
        if "type=cache" in options
        for name, _, value in (option.partition("=") for option in options)
        if name in {"target", "dst", "destination"}
    )


def launch(dockerfile: Dockerfile, target: str | None) -> tuple[Instruction, ...]:
    """Return the shipped image's ENTRYPOINT and CMD as the Dockerfile's own stages have them, the nearest first."""
    found: list[Instruction] = []
    stage: Stage | None = dockerfile.stage(target)
    while stage is not None:
        for keyword in ("ENTRYPOINT", "CMD"):
            last = next((each for each in reversed(stage.instructions) if each.keyword == keyword), None)
            if last is not None:
                found.append(last)
        stage = None if stage.base_stage is None else dockerfile.stages[stage.base_stage]
    return tuple(found)


def launch_by_cargo(dockerfile: Dockerfile, target: str | None) -> tuple[int, str] | None:
    """Return (line, command) of the shipped image's CMD or ENTRYPOINT where that has cargo build or run something."""
    for each in launch(dockerfile, target):
        command = shlex.join(each.values) if each.json else " ".join(each.values)
        if _BUILDS.search(command):
            return each.line, command
    return None


def _texts(instruction: Instruction) -> Iterator[str]:
    for match in _QUOTED.finditer(instruction.script):
        text = match[1] if match[1] is not None else re.sub(r"\\(.)", r"\1", match[2])
        if text and len(text) <= _LONGEST:
            yield from (text, f"{text}\n", text.replace("\\n", "\n"))
    yield from instruction.heredocs


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """A call of UPX in a RUN step.

    Attributes:
        stage: the stage of the step.
        line: of the step.
        tool: the word that it is called by (`upx`, `/opt/upx/upx`).
        options: those that say how to pack, as far as the text tells.
        sure: whether it tells all of them; not where a variable may be one.
    """

    stage: Stage
    line: int
    tool: str
    options: tuple[str, ...]
    sure: bool


def packing(stages: Sequence[Stage]) -> Packing | None:
    """Return the last call of UPX that steps of these stages name; None where none does."""
    for stage in reversed(stages):
        for instruction in reversed(stage.instructions):
            script = instruction.script.replace("\\\n", " ") if instruction.keyword == "RUN" else ""
            calls = list(_PACKS.finditer(script))
            if calls:
                words = calls[-1]["words"].split()
                return Packing(
                    stage=stage,
                    line=instruction.line,
                    tool=calls[-1]["tool"],
                    options=tuple(_packing_options(words)),
                    sure=not any(each.strip("\"'").startswith("$") for each in words),
                )
    return None


def _packing_options(words: Iterable[str]) -> Iterator[str]:
    """Yield the options of a call of UPX that say how to pack, and not where to or what to tell."""
    following = iter(words)
    for word in following:
        if word in {"-o", "--output"}:
            next(following, None)
        elif re.fullmatch(r"--?[\w.=-]+", word) and not _SAYS_NOTHING.fullmatch(word):
            yield word
