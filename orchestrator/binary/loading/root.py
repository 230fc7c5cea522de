"""An image's root file system as this reading needs it: looked up once, read once.

Each look costs a request to the engine (0.01 s) and each file read 0.06 to 0.1 s, so both are kept for the length of
one reading.
"""

from __future__ import annotations

import posixpath
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

from orchestrator.binary.loading.facts import Found, Presence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_AT_ONCE = 4
MOST_BYTES = 1 << 30
"""How much of one file is read; what is larger is not judged."""


class FileStat(Protocol):
    """What lies at a path."""

    @property
    def mode(self) -> int:
        """POSIX `st_mode`; a link is told as a link."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def link_target(self) -> str | None:
        """Where a link ends after all links on the way, inside the image; None for what is no link."""


class RootFiles(Protocol):
    """Access to the files of an image that is not running."""

    def stat(self, path: str) -> FileStat | None:
        """Return what a path is; None where nothing is there, and for a loop of links."""

    def read(self, path: str, limit: int) -> bytes | None:
        """Return at most `limit` bytes of a regular file; None where there is none."""

    def owner(self, path: str) -> tuple[int, int] | None:
        """Return user and group id of what a path is; None where nothing is there."""

    def capabilities(self, path: str) -> bool:
        """Return whether a file carries capabilities of its own."""


class ImageConfiguration(Protocol):
    """What an image says about how it is to be started."""

    @property
    def entrypoint(self) -> tuple[str, ...]:
        """ENTRYPOINT; the shell form as the engine keeps it (`/bin/sh -c …`)."""

    @property
    def command(self) -> tuple[str, ...]:
        """CMD, in the same way."""

    @property
    def environment(self) -> Mapping[str, str]:
        """ENV."""

    @property
    def working_directory(self) -> str:
        """WORKDIR; empty means `/`."""

    @property
    def user(self) -> str:
        """USER; empty means root."""

    @property
    def architecture(self) -> str:
        """The processor in Go's words (`amd64`)."""


class Root:
    """A view of one image that asks for each path once."""

    def __init__(self, files: RootFiles) -> None:
        self._files = files
        self._found: dict[str, Found] = {}
        self._contents: dict[str, bytes] = {}
        self._owners: dict[str, tuple[int, int] | None] = {}

    def find(self, path: str) -> Found:
        """Look a path up, links followed."""
        if path not in self._found:
            self._found[path] = self._look(path)
        return self._found[path]

    def _look(self, path: str) -> Found:
        said = self._files.stat(path)
        if said is None:
            return Found(path=path, real=path, presence=Presence.MISSING)
        if not stat.S_ISLNK(said.mode):
            return _present(path, path, said)
        target = said.link_target or path
        reached = None if target == path else self._files.stat(target)
        if reached is None or stat.S_ISLNK(reached.mode):
            return Found(path=path, real=target, presence=Presence.DANGLING)
        return _present(path, target, reached)

    def read(self, found: Found) -> bytes:
        """Return the content of a file; empty where there is none."""
        if found.real not in self._contents:
            self._contents[found.real] = self._files.read(found.real, MOST_BYTES) or b""
        return self._contents[found.real]

    def keep(self, found: Found, content: bytes) -> None:
        """Take a file's content as known, so that it need not be read out of the image again."""
        self._contents[found.real] = content

    def owner(self, path: str) -> tuple[int, int] | None:
        """Return user and group id of a file or folder."""
        if path not in self._owners:
            self._owners[path] = self._files.owner(path)
        return self._owners[path]

    def capabilities(self, path: str) -> bool:
        """Return whether a file carries capabilities of its own."""
        return self._files.capabilities(path)

    def warm(self, files: Iterable[str], folders: Iterable[str] = ()) -> None:
        """Look up and read what will surely be asked for, several at a time: the engine answers one after the other.

        Args:
            files: paths whose content will be read; those that are not there or are too large are only looked up.
            folders: paths that will only be looked up.
        """

        def read(path: str) -> None:
            found = self.find(path)
            if found.presence is Presence.FILE and found.size <= MOST_BYTES:
                self.read(found)

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            wanted = [pool.submit(read, path) for path in dict.fromkeys(files)]
            wanted += [pool.submit(self.find, path) for path in dict.fromkeys(folders)]  # type: ignore[arg-type]
            for done in wanted:
                done.result()

    def real_path(self, path: str) -> str:
        """Return a path without any links in it, folders included; what is missing stays as it is written."""
        done = "/"
        for part in posixpath.normpath(path).split("/"):
            step = posixpath.join(done, part)
            if part:
                found = self.find(step)
                done = found.real if found.presence is not Presence.MISSING else step
        return done


def _present(path: str, real: str, said: FileStat) -> Found:
    presence = Presence.SPECIAL
    if stat.S_ISREG(said.mode):
        presence = Presence.FILE
    elif stat.S_ISDIR(said.mode):
        presence = Presence.DIRECTORY
    return Found(path=path, real=real, presence=presence, mode=said.mode, size=said.size)
