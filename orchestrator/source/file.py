"""One file of the project, as it lies in the work tree."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from orchestrator.errors import SourceUnreadableError

if TYPE_CHECKING:
    from pathlib import Path


class FileKind(StrEnum):
    """What a file is; all that is kept of its mode."""

    FILE = "file"
    EXECUTABLE = "executable"
    SYMLINK = "symlink"


class SourceFile(NamedTuple):
    """A file of the project. A tuple, since a large project makes 50,000 of them on every run.

    Attributes:
        path: relative to the root, forward slashes; bytes that are no UTF-8 as surrogates.
        sha256: hex, of the content; of a link, of its text.
        size: bytes of the same.
    """

    path: str
    sha256: str
    size: int
    kind: FileKind


def read_file(root: Path, path: str) -> SourceFile | None:
    """Return a file as it lies there; None where it is gone or is no file (socket, device, folder).

    Raises:
        SourceUnreadableError: it is there and cannot be read.
    """
    place = root / path
    try:
        facts = place.lstat()
        if stat.S_ISLNK(facts.st_mode):
            text = os.fsencode(place.readlink())
            return SourceFile(path=path, sha256=hashlib.sha256(text).hexdigest(), size=len(text), kind=FileKind.SYMLINK)
        if not stat.S_ISREG(facts.st_mode):
            return None
        with place.open("rb", buffering=0) as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            # Of what was read: the file may have grown since it was looked at.
            size = stream.tell()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SourceUnreadableError(
            f"{path} cannot be read: {error.strerror}",
            repair=f"make it readable, or leave it out with `source: {{exclude: [{json.dumps(path)}]}}`",
        ) from error
    kind = FileKind.EXECUTABLE if facts.st_mode & stat.S_IXUSR else FileKind.FILE
    return SourceFile(path=path, sha256=digest, size=size, kind=kind)
