"""Why an image build was refused: the engine's words turned into a line of the Dockerfile, a reason and a repair."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.dockerfile.frontend import here_document, syntax_directive
from orchestrator.dockerfile.harden import without_hardening
from orchestrator.dockerfile.step_instruction import step_instruction
from orchestrator.errors import DockerfileInvalidError, EngineUnsupportedError, ImageBuildFailedError, StepTimeoutError
from orchestrator.location import Location

if TYPE_CHECKING:
    from orchestrator.dockerfile.model import Dockerfile
    from orchestrator.engine.buildkit import SolveFailedError
    from orchestrator.engine.docker import EngineVersion

_TAIL_LINES = 30
_NO_FOLDER = re.compile(r"/buildkit-mount\d+(/[^\s:]+): no such file or directory")
"""The engine's words for a wildcard in a folder that is not there; the folder lies in a place of its own."""

_REACHES_OUT = re.compile(
    r"could(?: no|n.)t resolve|temporary failure (?:in name resolution|resolving)|network is unreachable|bad address|"
    r"no route to host|name or service not known|failed to (?:connect|lookup address)|unable to (?:resolve|connect)|"
    r"dns error|ENOTFOUND|EAI_AGAIN|ENETUNREACH|NewConnectionError",
    re.IGNORECASE,
)
"""What programs say without a network: curl, wget, apt, apk (busybox), git, cargo, pip, npm, and libc."""

_HERE_DOCUMENTS = 23
"""The first engine whose own frontend reads here-documents (BuildKit 0.10)."""


def require_frontend(dockerfile: Dockerfile, target: str | None, version: EngineVersion) -> None:
    """Raise where the engine would misread the Dockerfile: an old frontend takes a here-document for instructions.

    Raises:
        EngineUnsupportedError: with the line.
    """
    major = version.version.partition(".")[0]
    if syntax_directive(dockerfile.text) is not None or not major.isdigit() or int(major) >= _HERE_DOCUMENTS:
        return
    instruction = here_document(dockerfile, target)
    if instruction is not None:
        raise EngineUnsupportedError(
            f"{instruction.keyword} with a here-document needs Docker {_HERE_DOCUMENTS} or newer; "
            f"this engine is {version.version}",
            location=dockerfile.location(instruction.line),
            repair="write it as one command with `&&`, or begin the file with `# syntax=docker/dockerfile:1`, "
            "which the engine then fetches from its registry",
        )


def explained(error: SolveFailedError, dockerfile: Dockerfile, *, offline: bool = False) -> Exception:
    """Turn BuildKit's words into this tool's: which line, what failed, what to do.

    Args:
        error: what BuildKit said.
        dockerfile: what was planned with.
        offline: whether steps had no network.
    """
    syntax = syntax_directive(dockerfile.text)
    ran = error.step is not None and error.step.name.startswith("[")
    # Newer engines show the search for the frontend as a step, older ones say it in the message alone.
    sought = error.step is not None and error.step.name.startswith("resolve image config for ")
    if syntax is not None and not ran and (sought or "frontend gateway" in error.message):
        line, frontend = syntax
        return EngineUnsupportedError(
            f"the engine could not get the frontend {frontend}, which `# syntax=` names",
            location=dockerfile.location(line),
            repair="let the engine reach its registry, or remove the line if its own frontend is enough for the file",
            detail=(error.message.rpartition("frontend gateway.v0: ")[2],),
        )
    parse = re.search(r"(?:dockerfile parse error|parse error).*?line (\d+): (.*)", error.message)
    if parse:
        return DockerfileInvalidError(
            f"the engine does not understand the Dockerfile: {parse[2]}{_brought_by(dockerfile, int(parse[1]))}",
            location=dockerfile.location(int(parse[1])),
            repair="correct the line; an older engine may lack what it uses",
        )
    instruction = step_instruction(dockerfile, error.step.name) if error.step else None
    where = dockerfile.location(instruction.line) if instruction else Location(file=dockerfile.file)
    by = _brought_by(dockerfile, instruction.line) if instruction else ""
    missing = re.search(r'"?(/[^":]*)"?:? not found', error.message) or _NO_FOLDER.search(error.message)
    if instruction is not None and instruction.keyword in {"COPY", "ADD"} and missing:
        return ImageBuildFailedError(
            f"{instruction.keyword} of {missing[1].lstrip('/')}: there is no such file "
            + ("in that stage" if instruction.flag("from") else "in the build context")
            + by,
            location=where,
            repair="correct the path; a file that .gitignore or .dockerignore names is not sent",
        )
    code = re.search(r"exit code: (\d+)", error.message)
    tail = error.log.decode(errors="replace").splitlines()[-_TAIL_LINES:]
    what = without_hardening(error.step.name) if error.step else "the image build"
    if offline and _REACHES_OUT.search(error.log.decode(errors="replace")):
        return ImageBuildFailedError(
            f"`{what}` reaches for the network, and `network: {{steps: none}}` gives it none{by}",
            location=where,
            repair="bring what it fetches with the sources or the base, or allow it: `network: {steps: any}`",
            detail=tuple(tail),
        )
    return ImageBuildFailedError(
        f"`{what}` failed" + (f" with exit code {code[1]}" if code else f": {without_hardening(error.message)}") + by,
        location=where,
        repair="mend what the step says; its whole output is in the run's log",
        detail=tuple(tail),
    )


def located(error: StepTimeoutError, dockerfile: Dockerfile) -> StepTimeoutError:
    """Return a time-out with the Dockerfile's line; its message holds the step's name."""
    name = re.search(r"`(.*)`", error.message, re.DOTALL)
    instruction = step_instruction(dockerfile, name[1]) if name else None
    return StepTimeoutError(
        without_hardening(error.message) + (_brought_by(dockerfile, instruction.line) if instruction else ""),
        location=dockerfile.location(instruction.line) if instruction else None,
        repair=error.repair,
    )


def _brought_by(dockerfile: Dockerfile, line: int) -> str:
    """Return what to say beside a line that is told as that of a FROM; nothing of a line of the user's."""
    trigger = dockerfile.lines.trigger(line)
    return "" if trigger is None else f"; it is the {trigger}"
