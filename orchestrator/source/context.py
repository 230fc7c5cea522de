"""The build context as it is sent: a tar whose bytes depend on the files' content and nothing else.

The engine does not apply `.dockerignore` to a tar context; the sender must.
"""

from __future__ import annotations

import hashlib
import io
import os
import posixpath
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from orchestrator.source.dockerignore import IgnoreRules
from orchestrator.source.snapshot import FileKind, SourceFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_MTIME = 1_000_000_000
"""One constant for all entries (2001-09-09). Not the commit's time: the engine's cache keys do not contain it, but the
layers that COPY makes do, and a commit that changes nothing in a file must not change its layer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextFacts:
    """What was sent: `digest` is over the tar's bytes (`sha256:<hex>`), `files` relative to the context."""

    digest: str
    files: tuple[str, ...]
    size: int


def context_files(files: Sequence[SourceFile], tree: Path, *, context: str, dockerfile: str) -> tuple[SourceFile, ...]:
    """Return the files of the context, paths relative to it, with the ignore file applied as Docker does.

    Args:
        files: all files of the snapshot.
        tree: where they are laid out.
        context: the context's folder, relative to the tree; `.` for all of it.
        dockerfile: the Dockerfile, relative to the context; `<dockerfile>.dockerignore` wins over `.dockerignore`.
    """
    prefix = "" if context in {".", ""} else context.rstrip("/") + "/"
    inside = [_below(file, prefix) for file in files if file.path.startswith(prefix)]
    rules = _ignore_rules(tree / prefix, dockerfile)
    return tuple(file for file in inside if not rules.ignores(file.path))


def write_context(
    files: Sequence[SourceFile], folder: Path, *, replace: Mapping[str, bytes], out: BinaryIO
) -> ContextFacts:
    """Write the context tar: sorted, owned by nobody in particular, one time stamp, two modes.

    Args:
        files: what to send, relative to `folder`.
        folder: the context's folder.
        replace: content by path that is sent instead of, or in addition to, what lies there (the Dockerfile).
        out: where the tar goes.
    """
    by_path = {file.path: file for file in files}
    names = sorted(by_path.keys() | replace.keys(), key=os.fsencode)
    hashing = _Hashing(out)
    with tarfile.open(
        fileobj=hashing, mode="w|", format=tarfile.PAX_FORMAT, encoding="utf-8", errors="surrogateescape"
    ) as tar:
        for parent in _folders(names):
            entry = _entry(parent, 0o755)
            entry.type = tarfile.DIRTYPE
            tar.addfile(entry)
        for name in names:
            _add(tar, name, by_path.get(name), folder, replace.get(name))
    return ContextFacts(digest=f"sha256:{hashing.digest.hexdigest()}", files=tuple(names), size=hashing.size)


def _ignore_rules(folder: Path, dockerfile: str) -> IgnoreRules:
    for name in (f"{dockerfile}.dockerignore", ".dockerignore"):
        place = folder / name
        if place.is_file():
            return IgnoreRules(place.read_bytes().decode(errors="surrogateescape"), file=name)
    return IgnoreRules("")


def _below(file: SourceFile, prefix: str) -> SourceFile:
    return SourceFile(path=file.path[len(prefix) :], sha256=file.sha256, size=file.size, kind=file.kind)


def _folders(names: Sequence[str]) -> Iterator[str]:
    seen = set()
    for name in names:
        folder = posixpath.dirname(name)
        while folder and folder not in seen:
            seen.add(folder)
            folder = posixpath.dirname(folder)
    yield from sorted(seen, key=os.fsencode)


def _add(tar: tarfile.TarFile, name: str, file: SourceFile | None, folder: Path, content: bytes | None) -> None:
    entry = _entry(name, 0o755 if file is not None and file.kind is FileKind.EXECUTABLE else 0o644)
    if content is not None:
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    elif file is not None and file.kind is FileKind.SYMLINK:
        entry.type, entry.mode = tarfile.SYMTYPE, 0o777
        entry.linkname = os.readlink(folder / name)  # noqa: PTH115 - the text as it is, not a cleaned path
        tar.addfile(entry)
    elif file is not None:
        entry.size = file.size
        with (folder / name).open("rb") as stream:
            tar.addfile(entry, stream)


def _entry(name: str, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.mtime = mode, _MTIME
    return entry


class _Hashing(io.RawIOBase):
    """Passes bytes on and keeps their digest."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self.digest, self.size = hashlib.sha256(), 0

    def writable(self) -> bool:
        return True

    def write(self, content: bytes) -> int:  # type: ignore[override]
        self.digest.update(content)
        self.size += len(content)
        return self._out.write(content)
