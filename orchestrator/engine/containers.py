"""Running a container under limits and watching it: its output from the first byte, its end at once.

The client is attached before the start and reads to the end, with no log driver: reading logs afterwards loses what was
rotated away, and a stream that nobody reads blocks the program, and then even `stop` (measured on 20.10).
"""

from __future__ import annotations

import contextlib
import posixpath
import re
import secrets
import threading
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import IO, TYPE_CHECKING, Any, Self

from orchestrator.engine.archive import packed
from orchestrator.engine.attachment import Attachment
from orchestrator.engine.faults import engine_faults
from orchestrator.engine.files import ContainerFiles
from orchestrator.engine.insight import ContainerInsight
from orchestrator.engine.volumes import let_anybody_write
from orchestrator.errors import NoVerdictError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from orchestrator.engine.docker import Engine
    from orchestrator.engine.lines import Stream

_WAIT_LIMIT = 24 * 3600
_REST_SECONDS = 120.0
"""How long the rest of a dead container's output may take to arrive; only a flood needs more than an instant."""

_KILLED = 137
_LATE_SECONDS = 1.0
"""How long after the end of a container the engine may still hear why it came."""

_ENGINE_SIDE = re.compile(
    r"no space left|failed to create endpoint|available.* address pool|network \S+ not found|mounting volume",
    re.IGNORECASE,
)
"""Failures of a start that say something about the engine and nothing about the image."""

_HEALTH_INTERVAL = 1_000_000_000
"""Nanoseconds. The default of 30 s also comes before the first check, which is longer than most gates wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRequest:
    """What to run and what it may use.

    Attributes:
        command: replaces the image's CMD; None keeps it.
        network: `none`, or the name of a network.
        writable: folders that stay writable; True where the image has the folder.
        memory: bytes, swap included.
        cpus: processors.
        labels: on the container and its volumes.
        capabilities: what is given back of the capabilities that are all taken away (`NET_RAW`).
        check_health: run the image's own HEALTHCHECK once a second.
        confined: take all capabilities and new privileges away; otherwise it has an engine's usual rights.
        entrypoint: replaces the image's ENTRYPOINT; None keeps it.
        alias: a further host name of it in its network.
        user: replaces the image's USER; None keeps it.
        hostname: what it takes itself for; None for the engine's choice.
        files: content of files that it finds, by path. The folder of each becomes a volume, filled with what the image
            has there: the engine writes nothing into a read-only root.
        programs: content of executable files, in the same way.
    """

    image_id: str
    command: Sequence[str] | None
    environment: Mapping[str, str]
    network: str
    read_only: bool
    writable: Mapping[str, bool]
    memory: int
    pids: int
    cpus: float
    labels: Mapping[str, str]
    capabilities: Sequence[str] = ()
    check_health: bool = False
    confined: bool = True
    entrypoint: Sequence[str] | None = None
    alias: str | None = None
    user: str | None = None
    hostname: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    programs: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerEnd:
    """How a container ended. `exit_code`: 128 + n for a signal n, as the engine has it."""

    exit_code: int
    oom_killed: bool


class StartFailedError(Exception):
    """The engine could not start the container's first program; the text is the engine's."""


class RunningContainer:
    """A container for the length of a `with` block; it and its volumes are gone afterwards, whatever happens.

    Args:
        engine: where to run it.
        request: what to run.
        keep: leave the container and its volumes, dead, for somebody to look at.

    Attributes:
        id: the container's id, empty before the block.
        volumes: names of its volumes.
    """

    def __init__(self, engine: Engine, request: ContainerRequest, *, keep: bool = False) -> None:
        self._engine, self._request, self._keep = engine, request, keep
        self._ended = threading.Event()
        self._sent: set[str] = set()
        self._reader: threading.Thread | None = None
        self._threads: list[threading.Thread] = []
        self.volumes: list[str] = []
        self.id = ""

    def __enter__(self) -> Self:
        """Create the container; it does not run yet."""
        with engine_faults("creating a container"):
            try:
                self._create()
            except BaseException:
                self._remove()
                raise
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the container and its volumes."""
        with engine_faults("removing a container"):
            self._kill() if self._keep else self._remove()
        for thread in self._threads:
            thread.join(5.0)

    @property
    def files(self) -> ContainerFiles:
        """Return its files; readable while it runs and after its end."""
        return ContainerFiles(self._engine, self.id)

    @property
    def insight(self) -> ContainerInsight:
        """Return what the engine knows of it while it runs."""
        return ContainerInsight(self._engine, self.id)

    def put(self, archive: IO[bytes]) -> None:
        """Unpack a tar into its root; to be called before it is started."""
        with engine_faults("copying files into a container"):
            self._engine.api.put_archive(self.id, "/", archive)

    def start(self, on_chunk: Callable[[Stream, bytes], None]) -> None:
        """Attach to it and start it; a container that has ended may be started once more.

        Args:
            on_chunk: called from a reader thread with what it prints, as it comes.

        Raises:
            StartFailedError: its first program cannot be executed.
            EngineUnreachableError, NoSpaceError: the engine could not do its part.
        """
        from docker.errors import APIError  # noqa: PLC0415 - docker-py is loaded by `Engine.connect`

        api = self._engine.api
        self._ended = threading.Event()
        with engine_faults("starting a container"):
            self._reader = self._thread(partial(Attachment(self._engine, self.id).read, on_chunk))
            try:
                api.start(self.id)
            except APIError as error:
                self._ended.set()
                said = str(error.explanation or error)
                if _ENGINE_SIDE.search(said):
                    raise
                raise StartFailedError(said) from error
            self._thread(partial(self._await_end, self._ended))

    def wait(self, timeout: float) -> bool:
        """Wait for its end; return whether it has ended."""
        return self._ended.wait(timeout)

    def send(self, signal: str) -> None:
        """Send a signal to its first process; nothing happens where it has ended."""
        from docker.errors import APIError  # noqa: PLC0415 - docker-py is loaded by `Engine.connect`

        self._sent.add(signal)
        with engine_faults("signalling a container"), contextlib.suppress(APIError):
            self._engine.api.kill(self.id, signal)

    def end(self) -> ContainerEnd:
        """Return how it ended, after all of its output was read; it must have ended."""
        if self._reader is not None:
            self._reader.join(_REST_SECONDS)
        with engine_faults("looking at a container's end"):
            state: Mapping[str, Any] = self._engine.api.inspect_container(self.id)["State"]
            code, oom_killed = int(state["ExitCode"]), bool(state.get("OOMKilled"))
            if code == _KILLED and not oom_killed and "SIGKILL" not in self._sent:
                oom_killed = self._ran_out_of_memory(state)
        return ContainerEnd(exit_code=code, oom_killed=oom_killed)

    def _ran_out_of_memory(self, state: Mapping[str, Any]) -> bool:
        """Return whether the engine has told so: on a busy machine it learns of it after the end, and keeps no mark."""
        began, ended = (datetime.fromisoformat(state[name]).timestamp() for name in ("StartedAt", "FinishedAt"))
        told = self._engine.api.events(
            since=int(began), until=f"{ended + _LATE_SECONDS:.3f}", filters={"container": self.id, "event": "oom"}
        )
        return any(told)

    def _create(self) -> None:
        api, wanted = self._engine.api, self._request
        places = {path: self._volume() for path in wanted.writable}
        # A volume takes owner, mode and content from the image's folder. Where there is none it would be root's alone.
        missing = [volume for path, volume in places.items() if not wanted.writable[path]]
        let_anybody_write(self._engine, missing, image_id=wanted.image_id, labels=wanted.labels)
        binds = [f"{volume}:{path}" for path, volume in places.items()]
        contents = {path: (text.encode(), 0o444) for path, text in wanted.files.items()}
        contents |= {path: (content, 0o555) for path, content in wanted.programs.items()}
        folders = sorted({posixpath.dirname(path) for path in contents})
        binds += [f"{self._volume()}:{folder}" for folder in folders]
        host = api.create_host_config(
            binds=binds,
            cap_add=list(wanted.capabilities),
            cap_drop=["ALL"] if wanted.confined else [],
            init=False,
            log_config={"Type": "none"},
            mem_limit=wanted.memory,
            memswap_limit=wanted.memory,
            nano_cpus=int(wanted.cpus * 1e9),
            network_mode=wanted.network,
            pids_limit=wanted.pids,
            read_only=wanted.read_only,
            security_opt=["no-new-privileges"] if wanted.confined else [],
        )
        made = api.create_container(
            wanted.image_id,
            command=None if wanted.command is None else list(wanted.command),
            entrypoint=None if wanted.entrypoint is None else list(wanted.entrypoint),
            environment=dict(wanted.environment),
            host_config=host,
            # Without a test of its own this keeps the image's.
            healthcheck={"interval": _HEALTH_INTERVAL} if wanted.check_health else None,
            labels=dict(wanted.labels),
            networking_config=None
            if wanted.alias is None
            else api.create_networking_config({wanted.network: api.create_endpoint_config(aliases=[wanted.alias])}),
            user=wanted.user,
            hostname=wanted.hostname,
        )
        self.id = made["Id"]
        for folder in folders:
            inside = {path: content for path, content in contents.items() if posixpath.dirname(path) == folder}
            api.put_archive(self.id, folder, packed(inside))

    def _volume(self) -> str:
        made = self._engine.api.create_volume(
            name=f"twinbuild-{secrets.token_hex(6)}", labels=dict(self._request.labels), driver="local"
        )
        self.volumes.append(made["Name"])
        return str(made["Name"])

    def _kill(self) -> None:
        from docker.errors import APIError  # noqa: PLC0415 - docker-py is loaded by `Engine.connect`

        with contextlib.suppress(APIError):
            self._engine.api.kill(self.id)

    def _remove(self) -> None:
        from docker.errors import APIError  # noqa: PLC0415 - docker-py is loaded by `Engine.connect`

        if self.id:
            with contextlib.suppress(APIError):
                self._engine.api.remove_container(self.id, v=True, force=True)
        for volume in self.volumes:
            with contextlib.suppress(APIError):
                self._engine.api.remove_volume(volume, force=True)

    def _thread(self, work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _await_end(self, ended: threading.Event) -> None:
        try:
            with contextlib.suppress(NoVerdictError), engine_faults("waiting for a container"):
                self._engine.api.wait(self.id, timeout=_WAIT_LIMIT)
        finally:
            # Where the engine went away, whoever asks next how the container ended meets the error.
            ended.set()
