"""The in-flight rewrite of a Dockerfile: bases pinned, cargo witnessed, crates at hand, evidence readable.

Only the text that is sent to the engine changes, and no line of the user's is added, removed or moved, so every line
number that the engine or this tool tells is the user's own. What is needed for reading the evidence is appended.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.dockerfile.model import Dockerfile, Instruction, Stage
    from orchestrator.dockerfile.settings import Guard

EVIDENCE_STAGE = "twinbuild-evidence"
"""The stage from which witness and builder-stage program are read."""

MOUNT = "/dev/.twinbuild"
"""Where the tool's files lie in a RUN step: a mount below /dev leaves nothing in the layer (measured)."""

WITNESS_FOLDER = "/var/tmp/.twinbuild"  # noqa: S108 - a path inside the build, written by the shim
"""Where the witness writes, in the stage that ran cargo."""

_WRAPPABLE = frozenset({"cargo", "sh", "ash", "dash", "bash", "env", "make", "just", "nice", "timeout", "xargs"})
"""First words of an exec-form RUN that are run through the shim: those that can lead to cargo, in images that have a
shell. Anything else is left alone, since an image without /bin/sh could not run it."""

_TOKEN = re.compile(r"\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class CratesMount:
    """The crates that the lock file names, as an image, and the stage-dependent place where cargo looks for them."""

    image: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardening:
    """What to put into a Dockerfile.

    Attributes:
        pins: our own tag by the reference that FROM or COPY --from names.
        guard: decides which of the tool's files a RUN step sees.
        tools: tag of the image with the tool's files; None adds nothing to RUN steps.
        crates: tag of the image with crates; None where there are none.
        cargo_homes: cargo's home by stage index, for stages that have one.
        programs: paths to read out of stages: (stage index, path).
    """

    pins: Mapping[str, str]
    guard: Guard
    tools: str | None
    crates: str | None
    cargo_homes: Mapping[int, str]
    programs: Sequence[tuple[int, str]]


def harden(dockerfile: Dockerfile, target: str | None, hardening: Hardening) -> str:
    """Return the text to send."""
    edit = _Edit(dockerfile)
    needed = dockerfile.needed(target)
    shipped = dockerfile.stage(target)
    for stage in needed:
        _pin_base(edit, stage, hardening)
        if stage is shipped and stage.name is None:
            edit.name(stage, shipped_name(dockerfile, target))
        for instruction in stage.instructions:
            if instruction.keyword == "RUN" and hardening.tools is not None:
                _equip(edit, stage, instruction, hardening)
            elif instruction.keyword == "COPY":
                _pin_copy(edit, instruction, hardening.pins)
    return edit.text() + _evidence(needed, hardening)


def shipped_name(dockerfile: Dockerfile, target: str | None) -> str:
    """Return the name of the shipped stage in the text that is sent.

    A stage without a name gets the one that BuildKit shows for it: only a name can be a build's target
    (engine 20.10 knows no numbers there), and the shipped stage is no longer the last one.
    """
    stage = dockerfile.stage(target)
    return stage.name or f"stage-{stage.index}"


def without_hardening(text: str) -> str:
    """Return a step's text as the user wrote it: for display, and for an image's history."""
    text = re.sub(r"--mount=type=bind,from=twinbuild\.local/\S+ ?", "", text)
    text = text.replace(f". {MOUNT}/on; ", "")
    return re.sub(rf'(\[?)"?{MOUNT}/exec"?,? ?', r"\1", text)


def _evidence(needed: Sequence[Stage], hardening: Hardening) -> str:
    lines = ["", "", f"FROM scratch AS {EVIDENCE_STAGE}"]
    for stage in needed:
        if any(instruction.keyword == "RUN" for instruction in stage.instructions):
            # A wildcard that matches nothing is no error, a missing path would be one.
            source = f"{WITNESS_FOLDER}*/"
            lines.append(f"COPY --from={stage.reference} {source} /witness/{stage.index}/")
    for index, path in hardening.programs:
        pattern = json.dumps([_optional(path), f"/program/{index}/"])
        reference = next(stage.reference for stage in needed if stage.index == index)
        lines.append(f"COPY --from={reference} {pattern}")
    return "\n".join([*lines, ""])


def _optional(path: str) -> str:
    """Return a pattern that matches just this path, and nothing where it is missing."""
    escaped = re.sub(r"([*?\[\\])", r"\\\1", path[:-1])
    return f"{escaped}[{path[-1]}]"


class _Edit:
    """Text with insertions and replacements, kept by offset until the end so that none shifts another."""

    def __init__(self, dockerfile: Dockerfile) -> None:
        self._text = dockerfile.text
        self.escape = dockerfile.escape
        self._starts = [0]
        for line in self._text.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._changes: list[tuple[int, int, str]] = []

    def replace(self, start: int, end: int, new: str) -> None:
        self._changes.append((start, end, new))

    def name(self, stage: Stage, name: str) -> None:
        """Give a stage a name, behind what its FROM says."""
        _, _, start = self.words(stage.line)
        image = _TOKEN.match(self._text, start)
        if image is not None:
            self.replace(image.end(), image.end(), f" AS {name}")

    def text(self) -> str:
        text = self._text
        for start, end, new in sorted(self._changes, reverse=True):
            text = text[:start] + new + text[end:]
        return text

    def line_start(self, line: int) -> int:
        return self._starts[line - 1]

    def original(self) -> str:
        return self._text

    def words(self, instruction_line: int) -> tuple[int, list[tuple[int, int]], int]:
        """Return (end of the keyword, spans of its flags, start of the rest) of the instruction on a line."""
        start = self.line_start(instruction_line)
        keyword = _TOKEN.search(self._text, start)
        place = after = keyword.end() if keyword else start
        flags: list[tuple[int, int]] = []
        while True:
            place = self._skip(place)
            match = _TOKEN.match(self._text, place)
            if match is None or not match[0].startswith("--"):
                return after, flags, place
            flags.append(match.span())
            place = match.end()

    def _skip(self, place: int) -> int:
        """Return the next place that says something: over blanks, continued lines and the comments between them."""
        text = self._text
        while place < len(text):
            if text[place] in " \t":
                place += 1
            elif text[place] == self.escape and (end := re.compile(r"[ \t]*\n").match(text, place + 1)):
                place = end.end()
                while comment := re.compile(r"[ \t]*(?:#[^\n]*)?\n").match(text, place):
                    place = comment.end()
            else:
                break
        return place


def _pin_base(edit: _Edit, stage: Stage, hardening: Hardening) -> None:
    pinned = hardening.pins.get(stage.base) if stage.base_stage is None else None
    if pinned is not None:
        _, _, start = edit.words(stage.line)
        match = _TOKEN.match(edit.original(), start)
        if match is not None:
            edit.replace(*match.span(), pinned)


def _pin_copy(edit: _Edit, instruction: Instruction, pins: Mapping[str, str]) -> None:
    pinned = pins.get(instruction.flag("from") or "")
    if pinned is not None:
        _, flags, _ = edit.words(instruction.line)
        for start, end in flags:
            if edit.original()[start:end].startswith("--from="):
                edit.replace(start, end, f"--from={pinned}")


def _equip(edit: _Edit, stage: Stage, instruction: Instruction, hardening: Hardening) -> None:
    """Give a RUN step the tool's files, the crates, and the one word that puts them into effect."""
    after, flags, command = edit.words(instruction.line)
    word = _entry(edit, instruction, command)
    if word is None:
        return
    mounts = [f"--mount=type=bind,from={hardening.tools},source=/{hardening.guard},target={MOUNT}"]
    home = hardening.cargo_homes.get(stage.index)
    if hardening.crates is not None and home is not None:
        mounts.append(f"--mount=type=bind,from={hardening.crates},target={home}/registry,rw")
        for start, end in flags:
            # A cache mount of the user's on the same place would hide the crates.
            if re.search(
                rf"(?:target|dst|destination)={re.escape(home)}/registry/?(?:,|$)", edit.original()[start:end]
            ):
                edit.replace(start, end, "")
    edit.replace(after, after, " " + " ".join(mounts))
    edit.replace(*word)


def _entry(edit: _Edit, instruction: Instruction, command: int) -> tuple[int, int, str] | None:
    """Return the insertion that makes a RUN step read the tool's files first, or None where it cannot."""
    text = edit.original()
    if instruction.json:
        first = instruction.values[0].rsplit("/", 1)[-1] if instruction.values else ""
        if first not in _WRAPPABLE:
            return None
        return command + 1, command + 1, f'"{MOUNT}/exec", '
    if not text.startswith("<<", command):
        return command, command, f". {MOUNT}/on; "
    # The here-document is the script: the word goes before its first line, behind a shebang that names a shell.
    if len(instruction.heredocs) != 1 or not instruction.heredocs[0].strip():
        return None
    body = text.index("\n", command) + 1
    if instruction.heredocs[0].startswith("#!"):
        shebang, _, script = instruction.heredocs[0].partition("\n")
        if not re.search(r"\b(?:ba|da|a)?sh\b", shebang) or not script.strip():
            return None
        body = text.index("\n", body) + 1
    return body, body, f". {MOUNT}/on; "
