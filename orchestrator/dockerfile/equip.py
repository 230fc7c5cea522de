"""What a RUN step is given: the tool's files, the crates, and the one word that puts them into effect."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from orchestrator.dockerfile.detours import is_foreign
from orchestrator.dockerfile.step_shell import is_posix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.dockerfile.edit import Edit
    from orchestrator.dockerfile.model import Instruction
    from orchestrator.dockerfile.step_shell import StepShell

MOUNT = "/dev/.twinbuild"
"""Where the tool's files lie in a RUN step: a mount below /dev leaves nothing in the layer (measured)."""

DEPENDENCIES = "/dev/.twinbuild-dependencies"
"""Where lies what the host has compiled (toolchains/cargo/shim/lib/handover)."""

_TO_CARGO = frozenset({"cargo", "sh", "ash", "dash", "bash", "env", "make", "just", "nice", "timeout", "xargs"})
"""First words of an exec-form RUN that can lead to cargo, in images that have a shell. Where no earlier step shows that
there is one, any other word is left alone: an image without /bin/sh could not run what the tool puts before it."""

_WORD = f". {MOUNT}/on; "
_AT = f"{MOUNT}/at "
"""Stands before a cargo that is called by its path."""

_EXEC = f'"{MOUNT}/exec", '
_AGAIN = re.compile(r": twinbuild=\w+; |\"--twinbuild=\w+\", |--twinbuild=\w+ ")
_SCRIPT = re.compile(r"<<-?(?P<quote>[\"']?)\w+(?P=quote)[ \t]*\n")


def equip(
    edit: Edit,
    instruction: Instruction,
    shell: StepShell,
    *,
    tools: tuple[str, str],
    crates: str | None,
    home: str | None,
    covered: tuple[str, str] | None = None,
    git: bool = False,
    certificates: str | None = None,
    dependencies: str | None = None,
    by_path: Sequence[int] = (),
) -> bool:
    """Rewrite a RUN step so that cargo is found in the tool's files first, and return whether it was.

    A step that cannot lead to cargo, or whose words no POSIX shell reads, stays as it is; but a here-document for
    another interpreter gets the mounts, where it reaches a cargo that the tool's can lie over.

    Args:
        edit: the text.
        instruction: the step.
        shell: what reads its words.
        tools: image with the tool's files, and the guard, whose folder in it is mounted.
        crates: image with the crates that the lock file names.
        home: cargo's home in this stage.
        git: whether the image with crates has those from git repositories, too.
        certificates: image with the certificate authorities that are lent to the step.
        covered: (image, path in it) of the cargo that the step reaches past PATH.
        dependencies: image with what the host has compiled of them.
        by_path: where in the text the words stand that call cargo by a path.
    """
    after, flags, command = edit.words(instruction.line)
    word = _entry(edit, instruction, shell, command)
    if word is None and (covered is None or not is_foreign(instruction)):
        return False
    image, guard = tools
    mounts = [f"--mount=type=bind,from={image},source=/{guard},target={MOUNT}"]
    if covered is not None and guard != "off":
        base, path = covered
        mounts.append(f"--mount=type=bind,from={base},source={posixpath.dirname(path)},target={MOUNT}-real")
        mounts.append(f"--mount=type=bind,from={image},source=/{guard}/bin/cargo,target={path}")
    if certificates is not None:
        mounts.append(f"--mount=type=bind,from={certificates},target={MOUNT}-certificates")
    if crates is not None and home is not None:
        mounts.append(f"--mount=type=bind,from={crates},target={home}/registry,rw")
        for start, end in flags:
            # A cache mount of the user's on the same place would hide the crates.
            if _targets(edit.original[start:end], f"{home}/registry") or (
                git and _targets(edit.original[start:end], f"{home}/git")
            ):
                edit.replace(start, end, "")
        if git:
            mounts.append(f"--mount=type=bind,from={crates},source=/git,target={home}/git,rw")
        if dependencies is not None:
            mounts.append(f"--mount=type=bind,from={dependencies},target={DEPENDENCIES}")
    edit.replace(after, after, " " + " ".join(mounts))
    if word is not None:
        _put(edit, word, () if instruction.json or covered or guard == "off" else by_path)
    return True


def _put(edit: Edit, word: tuple[int, int, str], by_path: Sequence[int]) -> None:
    """Put in what makes a step read the tool's files, and what stands before each cargo that is called by its path."""
    start, end, text = word
    edit.replace(start, end, text + _AT if start in by_path else text)
    for place in by_path:
        if place != start:
            edit.replace(place, place, _AT)


def again(text: str, lines: Sequence[int], nonce: str) -> str:
    """Return a hardened Dockerfile in which one step differs by a word without effect, so that it is built anew.

    Args:
        text: the hardened text.
        lines: the step's first and last line.
        nonce: the word; letters and digits.
    """
    rows = text.split("\n")
    first, last = lines[0] - 1, lines[-1]
    step = "\n".join(rows[first:last])
    step = step.replace(_WORD, f"{_WORD}: twinbuild={nonce}; ", 1).replace(_EXEC, f'{_EXEC}"--twinbuild={nonce}", ', 1)
    return "\n".join([*rows[:first], step, *rows[last:]])


def unequipped(text: str) -> str:
    """Return a step's text as the user wrote it: for display, and for an image's history."""
    text = re.sub(r"--mount=type=bind,from=twinbuild\.local/\S+ ?", "", text)
    text = _AGAIN.sub("", text.replace(_WORD, "").replace(_AT, ""))
    return re.sub(rf'(\[?)"?{MOUNT}/exec"?,? ?', r"\1", text)


def _targets(flag: str, place: str) -> bool:
    return re.search(rf"(?:target|dst|destination)={re.escape(place)}/?(?:,|$)", flag.strip("\"'")) is not None


def _entry(edit: Edit, instruction: Instruction, shell: StepShell, command: int) -> tuple[int, int, str] | None:
    """Return the insertion that makes a RUN step read the tool's files first, or None where it cannot."""
    text = edit.original
    if instruction.json:
        return (command + 1, command + 1, _EXEC) if _has_shell(instruction, shell) else None
    if not shell.posix:
        return None
    script = _SCRIPT.match(text, command)
    if script is None or len(instruction.heredocs) != 1:
        return command, command, _WORD
    # The here-document is the script: the word goes before its first line, behind a shebang that names a shell.
    content = instruction.heredocs[0]
    if not content.strip():
        return None
    body = script.end()
    if content.startswith("#!"):
        shebang, _, below = content.partition("\n")
        if not is_posix(shebang.removeprefix("#!").split()) or not below.strip():
            return None
        body = text.index("\n", body) + 1
    return body, body, _WORD


def _has_shell(instruction: Instruction, shell: StepShell) -> bool:
    if not instruction.values:
        return False
    word = instruction.values[0]
    known = word.rsplit("/", 1)[-1] in _TO_CARGO and not shell.scratch
    return shell.present or known or word == "/bin/sh"
