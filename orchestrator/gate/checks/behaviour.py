"""Behaviour: the image does what the host's program does under the same plan."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from orchestrator.verdict import CheckResult, Evidence, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.smoke.transcript import Transcript

ID = "behaviour"
_SHOWN = 12

_VOLATILE = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b"), "<time>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\b0x[0-9a-fA-F]{6,16}\b"), "<address>"),
    (re.compile(r"\b\d+(?:\.\d+)?\s?(?:ns|µs|us|ms|s|min)\b"), "<duration>"),
    (re.compile(r"\b(pid|PID|process|thread)([ =:#]+)\d+\b"), r"\1\2<number>"),
    (re.compile(r"ThreadId\(\d+\)"), "ThreadId(<number>)"),
)
"""What rightly differs between two runs of one program."""


def judge(local: Transcript, image: Transcript, *, remembered: bool = False) -> CheckResult:
    """Compare the two runs: how each started, what it printed and left, how it ended.

    Lines are compared with times, durations, addresses and process numbers taken out. Lines that differ are shown; what
    decides is whether the image's run went another way: it did not start, was not ready, left other files, ended
    otherwise, or printed none of what the host's program prints.

    Args:
        local: the run on the host.
        image: the run of the image.
        remembered: both are of earlier runs of the very same programs.
    """
    differing = list(_differences(local, image))
    meaning = _meaning(local, image)
    diff = tuple(Evidence(label="difference", value=line) for line in _diff(local, image))
    if differing:
        return CheckResult(
            id=ID,
            status=Status.FAILED,
            cause="behaviour-differs",
            message="; ".join(differing) + (f": {meaning}" if meaning else ""),
            evidence=diff,
            repair="see the other checks first: a program that differs behaves differently; then what the image lacks",
            remembered=remembered,
        )
    same = f"both print {image.line_count} lines" if local.line_count == image.line_count else _counts(local, image)
    changed = f", {len(diff)} of them differ" if diff else ""
    return CheckResult(
        id=ID,
        status=Status.PASSED,
        message=f"{same}{changed}; same readiness, files and exit code {image.exit_code}",
        evidence=diff,
        remembered=remembered,
    )


def normalised(text: str) -> str:
    """Return a line with what changes from run to run taken out."""
    for pattern, name in _VOLATILE:
        text = pattern.sub(name, text)
    return text.rstrip()


def _differences(local: Transcript, image: Transcript) -> Iterator[str]:
    if (local.start_error is None) is not (image.start_error is None):
        yield "one of them could not be started"
    if local.line_count and not image.line_count:
        yield _counts(local, image)
    elif local.texts() and not {normalised(text) for text in local.texts()} & {
        normalised(text) for text in image.texts()
    }:
        yield "the image prints none of the lines that the host's program prints"
    if (local.ready_after is None) is not (image.ready_after is None):
        yield "local was ready, the image was not" if image.ready_after is None else "the image was ready, local not"
    if local.exit_code != image.exit_code:
        yield f"local ends with exit code {local.exit_code}, the image with {image.exit_code}"
    for path in local.files.keys() & image.files.keys():
        if local.files[path] is not image.files[path]:
            yield f"{path} is left by {'local' if local.files[path] else 'the image'} alone"


def _counts(local: Transcript, image: Transcript) -> str:
    return f"local prints {local.line_count} lines, the image {image.line_count}"


def _meaning(local: Transcript, image: Transcript) -> str | None:
    missing = [path for path, there in local.files.items() if there and image.files.get(path) is False]
    if local.line_count and not image.line_count and missing:
        return f"`main` was never reached (no {', '.join(missing)})"
    if local.line_count and not image.line_count:
        return "the image's program does not do what the host's does"
    return None


def _diff(local: Transcript, image: Transcript) -> list[str]:
    ours = [normalised(text) for text in local.texts()]
    theirs = [normalised(text) for text in image.texts()]
    lines = difflib.unified_diff(ours, theirs, "local", "image", lineterm="", n=0)
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))][:_SHOWN]
