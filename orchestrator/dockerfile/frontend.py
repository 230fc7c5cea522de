"""What a Dockerfile asks of the engine's frontend."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.dockerfile.model import Dockerfile, Instruction

_DIRECTIVE = re.compile(r"#\s*(?P<name>\w+)\s*=\s*(?P<value>.*?)\s*$", re.ASCII)


def syntax_directive(text: str) -> tuple[int, str] | None:
    """Return (line, frontend) of `# syntax=`, or None; only the comments that begin the file can be directives."""
    for number, line in enumerate(text.split("\n"), start=1):
        match = _DIRECTIVE.match(line)
        if match is None:
            return None
        if match["name"].lower() == "syntax":
            return number, match["value"]
    return None


def here_document(dockerfile: Dockerfile, target: str | None) -> Instruction | None:
    """Return the first instruction with a here-document among the stages that a target needs, or None."""
    every = (each for stage in dockerfile.needed(target) for each in stage.instructions)
    return next((each for each in every if each.heredocs), None)
