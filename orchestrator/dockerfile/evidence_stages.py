"""What is appended to a Dockerfile so that witness and program can be read out of its stages."""

from __future__ import annotations

import json
import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.dockerfile.model import Dockerfile, Instruction, Stage

EVIDENCE_STAGE = "twinbuild-evidence"
"""The stage from which the witness is read; there is none where no step of the text can have left one."""

PROGRAM_STAGE = "twinbuild-program"
"""The stage from which the builder stage's program is read, where the witness does not tell what it is."""

EVERY_STAGE = "twinbuild-evidence-every"
"""The same from every folder: there is one where EVIDENCE_STAGE looks into the first alone, and that may be missing."""

WITNESS_FOLDERS = ("/var/tmp/.twinbuild", "/tmp/.twinbuild", "/opt/.twinbuild")  # noqa: S108 - paths inside a build
"""Where the witness of a call may lie in the stage that made it, as `toolchains/cargo/tools.py` tells the shim."""

EVERY_FOLDER = " ".join(f"{folder}*/" for folder in WITNESS_FOLDERS)
"""A wildcard that matches nothing is no error, a missing path would be one."""

_CLEAN = re.compile(r"(?:/[A-Za-z0-9_.-]+)+/?")
_DOTS = re.compile(r"/\.\.?(?:/|$)")

CALLS_CARGO = re.compile(r"(?:^|[\s;&|({])cargo\s+(?:\+\S+\s+)?(?:b|build|install|r|run|rustc)\b")
"""In the text of a step that surely compiles by cargo."""


def evidence_stages(
    dockerfile: Dockerfile,
    target: str | None,
    witnesses: Sequence[Stage],
    programs: Sequence[tuple[int, str]],
) -> str:
    """Return the text of the stages, to stand behind a hardened Dockerfile.

    Args:
        dockerfile: what is hardened.
        target: the shipped stage.
        witnesses: stages with a step that the shim is in.
        programs: paths to read out of stages: (stage index, path).
    """
    needed = dockerfile.needed(target)
    every = [f"COPY --from={stage.reference} {EVERY_FOLDER} /witness/{stage.index}/" for stage in witnesses]
    quick = [
        line.replace(EVERY_FOLDER, f"{WITNESS_FOLDERS[0]}/") if _in_first_folder(dockerfile, stage) else line
        for line, stage in zip(every, witnesses, strict=True)
    ]
    lines = ["", "", f"FROM scratch AS {EVIDENCE_STAGE}", *quick] if witnesses else [""]
    # It stands there from the start: a text that changes would be another context for a step that copies it.
    lines += ["", f"FROM scratch AS {EVERY_STAGE}", *every] if quick != every else []
    if programs:
        lines += ["", f"FROM scratch AS {PROGRAM_STAGE}"]
    for index, path in programs:
        pattern = json.dumps([optional(path), f"/program/{index}/"])
        reference = next(stage.reference for stage in needed if stage.index == index)
        lines.append(f"COPY --from={reference} {pattern}")
    return "\n".join([*lines, ""])


def _in_first_folder(dockerfile: Dockerfile, stage: Stage) -> bool:
    """Return whether a stage's witness surely lies in the first folder, or is in none.

    To find a wildcard's matches BuildKit walks through all files of a layer that it has not seen: 0.7 s of a processor
    for a base with a Rust toolchain, after each change of a line (measured on 20.10). All steps of one user find the
    same folder, unless one of them has something mounted there.
    """
    steps: list[Instruction] = []
    below: Stage | None = stage
    while below is not None:
        steps += below.instructions
        below = dockerfile.stages[below.base_stage] if below.base_stage is not None else None
    if any(step.keyword in {"USER", "ONBUILD"} for step in steps):
        return False
    runs = [step for step in steps if step.keyword == "RUN"]
    mounts = [flag.removeprefix("--mount=") for step in runs for flag in step.flags if flag.startswith("--mount=")]
    return any(CALLS_CARGO.search(step.script) for step in runs) and all(_surely_elsewhere(mount) for mount in mounts)


def _surely_elsewhere(mount: str) -> bool:
    """Return whether a mount of a step surely is neither the first folder nor around it. `mount`: its facts."""
    facts = {name.lower(): value for name, _, value in (part.partition("=") for part in mount.split(","))}
    target = facts.get("target") or facts.get("dst") or facts.get("destination")
    if target is None:
        return facts.get("type") in {"secret", "ssh"}
    if '"' in mount or not _CLEAN.fullmatch(target) or _DOTS.search(target):
        return False
    return not f"{target.rstrip('/')}/".startswith("/var/tmp/") and target.rstrip("/") != "/var"  # noqa: S108


def without_missing_folder(text: str, message: str) -> str | None:
    """Return the hardened text without a folder that a stage lacks, None where the message names none.

    A wildcard that matches nothing is no error, but the folder that it stands in must be there.

    Args:
        text: the hardened text.
        message: the engine's, of the failed COPY: `COPY --from=a …: lstat …/var/tmp: no such file or directory`.
    """
    copied = re.search(r"COPY --from=(?P<stage>\S+) .*? /witness/(?P<index>\d+)/", message, re.DOTALL)
    missing = next((each for each in WITNESS_FOLDERS if f"{posixpath.dirname(each)}: no such file" in message), None)
    if copied is None or missing is None:
        return None
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if line.startswith("COPY --from=") and line.endswith(f"*/ /witness/{copied['index']}/"):
            left = line.replace(f" {missing}*/", "")
            if left == line:
                return None
            lines[number] = left if "*/ " in left else ""
    return "\n".join(lines)


def optional(path: str) -> str:
    """Return a pattern that matches just this path, and nothing where it is missing."""
    escaped = re.sub(r"([*?\[\\])", r"\\\1", path[:-1])
    last = path[-1] if path[-1].isalnum() else f"\\{path[-1]}"
    return f"{escaped}[{last}]"
