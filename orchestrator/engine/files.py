"""Files of an image, read without running it: a container is created, never started, and always removed.

A created container is not quite the image: the engine adds stand-ins (`STAND_INS`), so their presence proves nothing
(measured on 20.10).
"""

from __future__ import annotations

import base64
import json
import posixpath
import stat
import tarfile
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from orchestrator.engine.blocks import BlockStream
from orchestrator.engine.faults import engine_faults
from orchestrator.engine.unstarted import never_started
from orchestrator.errors import NoVerdictError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from orchestrator.engine.docker import Engine

STAND_INS = frozenset({"/.dockerenv", "/etc/hostname", "/etc/hosts", "/etc/mtab", "/etc/resolv.conf"})
"""Files that the engine itself puts into every container."""

_MOST_BELOW = 64 << 20
"""Bytes."""

_CAPABILITIES = "SCHILY.xattr.security.capability"
"""Where the engine's archives keep a file's capabilities."""

_TAR_KINDS = {
    tarfile.DIRTYPE: stat.S_IFDIR,
    tarfile.SYMTYPE: stat.S_IFLNK,
    tarfile.CHRTYPE: stat.S_IFCHR,
    tarfile.BLKTYPE: stat.S_IFBLK,
    tarfile.FIFOTYPE: stat.S_IFIFO,
}
_GO_KINDS = {1 << 31: stat.S_IFDIR, 1 << 27: stat.S_IFLNK, 1 << 26: stat.S_IFBLK, 1 << 25: stat.S_IFIFO}
_GO_BITS = {1 << 23: stat.S_ISUID, 1 << 22: stat.S_ISGID, 1 << 20: stat.S_ISVTX}
"""Go's fs.FileMode keeps kind and special bits in its own places (https://pkg.go.dev/io/fs#FileMode)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStat:
    """A file in an image.

    Attributes:
        size: bytes.
        mode: as stat(2) has it, kind included.
        link_target: where a link ends after all links on the way, inside the image; None for what is no link.
    """

    size: int
    mode: int
    link_target: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A path in an image, itself and not what it links to.

    Attributes:
        size: bytes.
        mode: as stat(2) has it, kind included.
        link: the text of a link; empty for what is none.
    """

    size: int
    mode: int
    uid: int
    gid: int
    link: str = ""


class ContainerFiles:
    """Reads files of one container, running or not, through the archive API; no shell in it is needed."""

    def __init__(self, engine: Engine, container: str) -> None:
        self._engine, self._container = engine, container

    def stat(self, path: str) -> FileStat | None:
        """Return what a path is, or None where nothing is there. A link is told as a link."""
        api = self._engine.api
        with engine_faults(f"looking at {path} in the image"):
            url = api._url("/containers/{0}/archive", self._container)  # noqa: SLF001 - docker-py has no HEAD of it
            answer = api.head(url, params={"path": path}, timeout=60)
            if answer.status_code >= 400:  # noqa: PLR2004 - missing (404), or a loop of links (500)
                return None
            said = json.loads(base64.b64decode(answer.headers["X-Docker-Container-Path-Stat"]))
        return FileStat(size=int(said["size"]), mode=_mode(int(said["mode"])), link_target=said["linkTarget"] or None)

    def read(self, path: str, limit: int = 1 << 30) -> bytes | None:
        """Return a regular file's content, links followed, at most `limit` bytes; None where there is none."""
        with self.open(path) as stream:
            return None if stream is None else stream.read(limit)

    def entry(self, path: str) -> Entry | None:
        """Return all that the image says of a path, links not followed; None where nothing is there."""
        with self._archive(path) as members:
            member = None if members is None else members.next()
            if member is None:
                return None
            kind = _TAR_KINDS.get(member.type, stat.S_IFREG)
            link = member.linkname if member.issym() else ""
            return Entry(size=member.size, mode=kind | member.mode, uid=member.uid, gid=member.gid, link=link)

    def owner(self, path: str) -> tuple[int, int] | None:
        """Return user and group id of what a path is, links not followed; None where nothing is there."""
        with self._archive(path) as members:
            member = None if members is None else members.next()
            return None if member is None else (member.uid, member.gid)

    def capabilities(self, path: str) -> bool:
        """Return whether a file carries capabilities of its own (`setcap`)."""
        with self._archive(path) as members:
            member = None if members is None else members.next()
            return member is not None and _CAPABILITIES in member.pax_headers

    @contextmanager
    def open(self, path: str) -> Iterator[IO[bytes] | None]:
        """Open a regular file as a stream, links followed; None where there is none."""
        with self._archive(path) as members:
            member = None if members is None else members.next()
            if member is None or members is None or not member.issym():
                yield _regular(members, member)
                return
        # Few files that are read are links, so nobody asks for that first: each request costs a hundredth of a second.
        found = self.stat(path)
        if found is None or found.link_target is None:
            yield None
            return
        with self._archive(found.link_target) as members:
            yield _regular(members, None if members is None else members.next())

    @contextmanager
    def member(self, path: str) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]] | None]:
        """Open a regular file as the engine's archive has it, links not followed; None where there is none."""
        with self._archive(path) as members:
            member = None if members is None else members.next()
            content = _regular(members, member)
            yield None if member is None or content is None else (member, content)

    def walk(self, folder: str) -> dict[str, bytes]:
        """Return the content of every regular file below a folder, by path relative to it; empty if there is none."""
        with self._archive(folder) as members:
            if members is None:
                return {}
            found = {}
            for member in members:
                content = members.extractfile(member) if member.isreg() else None
                if content is not None:
                    # The first component is the folder's own name.
                    found[member.name.partition("/")[2]] = content.read()
            return found

    def names(self, folder: str) -> tuple[str, ...]:
        """Return the names of what lies directly in a folder; empty if there is none."""
        with self._archive(folder) as members:
            if members is None:
                return ()
            parts = (member.name.split("/") for member in members)
            return tuple(part[1] for part in parts if len(part) == 2)  # noqa: PLR2004 - folder/name

    def below(self, folder: str, *, most: int) -> tuple[str, ...] | None:
        """Return the paths of all that is no folder below a folder; None where it is more than `most`, or large.

        The engine sends the contents along, so no more than 64 MB of them are taken in.
        """
        with self._archive(folder) as members:
            found: list[str] = []
            for member in members or ():
                if member.offset > _MOST_BELOW or len(found) > most:
                    return None
                if not member.isdir():
                    found.append(posixpath.join(folder, member.name.partition("/")[2]))
            return tuple(found)

    @contextmanager
    def _archive(self, path: str) -> Iterator[tarfile.TarFile | None]:
        from docker.errors import APIError  # noqa: PLC0415 - docker-py is loaded by `Engine.connect`

        with engine_faults(f"reading {path} from the image"):
            try:
                blocks, _ = self._engine.api.get_archive(self._container, posixpath.normpath(path), chunk_size=1 << 20)
            except APIError as error:
                if error.status_code is not None and error.status_code < 500:  # noqa: PLR2004 - it is not there
                    yield None
                    return
                raise
            # Most readers stop early; the connection of what is not read is closed here, not whenever it is collected.
            with closing(blocks), tarfile.open(fileobj=BlockStream(blocks), mode="r|") as members:
                yield members


@contextmanager
def image_files(engine: Engine, image_id: str, *, labels: Mapping[str, str]) -> Iterator[ContainerFiles]:
    """Give access to an image's files for the length of the block.

    Args:
        engine: the engine that has the image.
        image_id: the image.
        labels: put on the container, so that leftovers of a killed run can be found.
    """
    with engine_faults("opening an image"):
        made = never_started(engine, image_id, labels=labels)
    try:
        yield ContainerFiles(engine, made)
    finally:
        with engine_faults("closing an image"):
            engine.api.remove_container(made, v=True, force=True)


@contextmanager
def folders_there(
    engine: Engine, image_id: str, paths: Sequence[str], *, labels: Mapping[str, str]
) -> Iterator[Callable[[], dict[str, bool]]]:
    """Look up in the background which paths an image has; the answer is had by calling what is yielded.

    Nothing of it is left after the block.

    Args:
        engine: the engine that has the image.
        image_id: the image.
        paths: what to look up.
        labels: put on the container that is looked into.

    Raises:
        EngineUnreachableError: the engine went away; told by the call.
    """
    answer: Future[dict[str, bool]] = Future()

    def look() -> None:
        try:
            with image_files(engine, image_id, labels=labels) as files:
                # The answer is out before the container is away.
                answer.set_result({path: files.stat(path) is not None for path in paths})
        except NoVerdictError as error:
            if not answer.done():
                answer.set_exception(error)
        finally:
            # Whatever else went wrong, nobody waits for ever.
            answer.cancel()

    with ThreadPoolExecutor(1) as pool:
        if paths:
            pool.submit(look)
        else:
            answer.set_result({})
        yield answer.result


def _regular(members: tarfile.TarFile | None, member: tarfile.TarInfo | None) -> IO[bytes] | None:
    """Return a regular file's content; None for anything else."""
    return members.extractfile(member) if members is not None and member is not None and member.isreg() else None


def _mode(go: int) -> int:
    kind = next((kind for bit, kind in _GO_KINDS.items() if go & bit), stat.S_IFREG)
    special = sum(posix for bit, posix in _GO_BITS.items() if go & bit)
    return kind | special | (go & 0o777)
