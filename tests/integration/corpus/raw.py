"""What the engine makes of a Dockerfile when this tool stays away: a build of the untouched text, and a run."""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from docker.errors import APIError

from orchestrator.engine.files import image_files
from orchestrator.source.dockerignore import IgnoreRules
from tests.integration.plain_build import plain_build

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from orchestrator.engine.docker import Engine

LABELS = {"io.twinbuild.test": "corpus"}
OLD = 1_000_000_000
"""Older than every artifact: what a checkout, `git archive` or a normalised context gives."""

NOT_EXECUTABLE, NOT_FOUND = 126, 127
"""Exit codes for what cannot be started, as shells have them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A run of an image: what it printed, and how it ended; `NOT_EXECUTABLE` and `NOT_FOUND` where it did not start."""

    prints: str
    exit_code: int


def raw_build(engine: Engine, files: Mapping[str, bytes], *, pins: Mapping[str, str], scratch: Path, mtime: int) -> str:
    """Build the files' Dockerfile as it is, but for the names of its bases, and return the image's id."""
    tar = scratch / "raw.tar"
    _write_context(tar, files, pins=pins, mtime=mtime)
    # Two cases may make the same image, and each removes its own.
    return plain_build(engine, tar, aside=True)


def run_image(engine: Engine, image: str) -> Ran:
    """Run an image's own entrypoint and return what it did."""
    try:
        made = engine.api.create_container(image, labels=LABELS, network_disabled=True)
    except APIError:
        return Ran(prints="", exit_code=NOT_FOUND)
    try:
        try:
            engine.api.start(made["Id"])
        except APIError as error:
            return Ran(prints="", exit_code=never_started(str(error)))
        code = engine.api.wait(made["Id"], timeout=60)["StatusCode"]
        return Ran(prints=engine.api.logs(made["Id"], stderr=False).decode(), exit_code=code)
    finally:
        engine.api.remove_container(made["Id"], force=True, v=True)


def never_started(why: str) -> int:
    """Return the exit code for what cannot be started, by the engine's words."""
    return NOT_FOUND if any(word in why for word in ("no such file", "not found")) else NOT_EXECUTABLE


def shipped_sha256(engine: Engine, image: str, path: str) -> str | None:
    """Return the digest of a file of an image."""
    with image_files(engine, image, labels=LABELS) as files:
        content = files.read(path)
    return None if content is None else hashlib.sha256(content).hexdigest()


def _write_context(tar: Path, files: Mapping[str, bytes], *, pins: Mapping[str, str], mtime: int) -> None:
    rules = IgnoreRules(files.get(".dockerignore", b"").decode())
    with tarfile.open(tar, "w") as out:
        for name, content in sorted(files.items()):
            if rules.ignores(name) and name != "Dockerfile":
                continue
            sent = content
            if name == "Dockerfile":
                for reference, pin in pins.items():
                    sent = sent.replace(reference.encode(), pin.encode())
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.mode = (
                len(sent),
                mtime,
                0o755 if sent.startswith((b"#!", b"\x7f")) else 0o644,
            )
            out.addfile(entry, io.BytesIO(sent))
