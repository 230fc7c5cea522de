"""The text of a Dockerfile, from a file that may be anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.errors import DockerfileInvalidError
from orchestrator.location import Location

if TYPE_CHECKING:
    from pathlib import Path

_LARGEST = 1024 * 1024


def read_text(path: Path, *, file: str) -> str:
    """Return a Dockerfile's text.

    Args:
        path: where it lies.
        file: its path as people know it.

    Raises:
        DockerfileInvalidError: missing, too large, or no text.
    """
    where = Location(file=file)
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= _LARGEST else b""
    except OSError as error:
        raise DockerfileInvalidError(
            f"the Dockerfile cannot be read: {error.strerror}",
            location=where,
            repair="correct `image.dockerfile` in the spec",
        ) from error
    if size > _LARGEST:
        raise DockerfileInvalidError(
            f"the Dockerfile has {size:,} bytes; more than {_LARGEST:,} are no Dockerfile",
            location=where,
            repair="correct `image.dockerfile` in the spec",
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DockerfileInvalidError(
            "the Dockerfile is no UTF-8 text", location=Location(file=file, line=line), repair="save it as UTF-8"
        ) from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise DockerfileInvalidError(
            "the Dockerfile is no text: it has a byte of value 0",
            location=Location(file=file, line=line),
            repair="correct `image.dockerfile` in the spec: this is another kind of file",
        )
    return text
