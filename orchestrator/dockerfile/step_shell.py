"""Which shell reads a RUN step, and whether its image surely has one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.dockerfile.model import Dockerfile, Stage

_BOURNE = frozenset({"sh", "ash", "dash", "bash", "ksh", "mksh", "zsh"})
"""Shells that read POSIX shell."""

_DEFAULT = ("/bin/sh", "-c")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepShell:
    """What is known of the shell at a RUN step.

    Attributes:
        posix: whether the shell form's words are read by a POSIX shell; not where SHELL names PowerShell or fish.
        present: whether /bin/sh is there: an earlier step of the same image was run by it.
        scratch: whether the image began empty.
    """

    posix: bool
    present: bool
    scratch: bool


def step_shells(dockerfile: Dockerfile) -> Mapping[int, StepShell]:
    """Return the shell of every RUN step, by line."""
    found: dict[int, StepShell] = {}
    ends: dict[int, tuple[Sequence[str], bool, bool]] = {}
    for stage in dockerfile.stages:
        shell, present, scratch = _beginning(stage, ends)
        for instruction in stage.instructions:
            if instruction.keyword == "SHELL":
                shell = instruction.values
            elif instruction.keyword == "RUN":
                found[instruction.line] = StepShell(posix=is_posix(shell), present=present, scratch=scratch)
                present = present or (not instruction.json and tuple(shell[:1]) == _DEFAULT[:1])
        ends[stage.index] = (shell, present, scratch)
    return found


def is_posix(words: Sequence[str]) -> bool:
    """Return whether a SHELL reads POSIX shell; it may be called by another program (`env bash -c`, `busybox sh`)."""
    return any(word.rsplit("/", 1)[-1] in _BOURNE for word in words)


def _beginning(stage: Stage, ends: Mapping[int, tuple[Sequence[str], bool, bool]]) -> tuple[Sequence[str], bool, bool]:
    if stage.base_stage is not None:
        return ends[stage.base_stage]
    return _DEFAULT, False, stage.base == "scratch"
