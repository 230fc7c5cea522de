"""What the engine knows of a running container without anything inside it: processes, memory, health, changed files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.engine.attachment import frames
from orchestrator.engine.faults import engine_faults
from orchestrator.engine.lines import Stream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.engine.docker import Engine

_TOP = "-eo pid,ppid,nlwp,args"
"""Asked of the host's `ps`, so the container needs none. The first column must be the process id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFacts:
    """A process of a container, by the host's numbers."""

    pid: int
    parent: int
    threads: int
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageFacts:
    """What a container uses. `tasks`: processes, threads and zombies. `memory`: bytes, without the file cache."""

    tasks: int
    memory: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthFacts:
    """What the image's HEALTHCHECK says. `status`: starting, healthy or unhealthy. `output`: of its last run."""

    status: str
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """A command that was run in a container and has ended. `output`: both streams as they came."""

    exit_code: int
    output: str
    stdout: str
    stderr: str


class ContainerInsight:
    """Looks at one running container from outside."""

    def __init__(self, engine: Engine, container: str) -> None:
        self._engine, self._container = engine, container

    def processes(self) -> tuple[ProcessFacts, ...]:
        """Return its processes, process 1 first; zombies are not among them. Empty where it has ended."""
        from docker.errors import APIError  # noqa: PLC0415 - docker-py is loaded by `Engine.connect`

        with engine_faults("listing a container's processes"):
            try:
                rows = self._engine.api.top(self._container, _TOP)["Processes"] or []
            except APIError:
                return ()
        found = [
            ProcessFacts(pid=int(pid), parent=int(parent), threads=int(threads), command=command)
            for pid, parent, threads, command in rows
        ]
        inside = {process.pid for process in found}
        return tuple(sorted(found, key=lambda process: process.parent in inside))

    def usage(self) -> UsageFacts | None:
        """Return what it uses now; None where it has ended or the engine does not tell."""
        from docker.errors import APIError, InvalidVersion  # noqa: PLC0415 - docker-py is loaded by `Engine.connect`

        with engine_faults("measuring a container"):
            try:
                said: Mapping[str, Any] = self._engine.api.stats(self._container, stream=False, one_shot=True)
            except (APIError, InvalidVersion):
                return None
        tasks, memory = said.get("pids_stats") or {}, said.get("memory_stats") or {}
        if "current" not in tasks or "usage" not in memory:
            return None
        detail = memory.get("stats") or {}
        # The name differs between the two versions of the kernel's control groups.
        cache = detail.get("total_inactive_file", detail.get("inactive_file", 0))
        return UsageFacts(tasks=int(tasks["current"]), memory=max(0, int(memory["usage"]) - int(cache)))

    def health(self) -> HealthFacts | None:
        """Return what its HEALTHCHECK says; None where it has none."""
        with engine_faults("asking for a container's health"):
            said = self._engine.api.inspect_container(self._container)["State"].get("Health")
        if not said:
            return None
        runs = said.get("Log") or []
        return HealthFacts(status=str(said["Status"]), output=str(runs[-1]["Output"]).strip() if runs else "")

    def address(self) -> str | None:
        """Return its address in the network it is in; None where it has none."""
        with engine_faults("asking for a container's address"):
            networks: Mapping[str, Any] = self._engine.api.inspect_container(self._container)["NetworkSettings"][
                "Networks"
            ]
        return next((net["IPAddress"] for net in networks.values() if net.get("IPAddress")), None)

    def execute(self, command: Sequence[str], *, timeout: float) -> tuple[int, str] | None:
        """Run a command as `run` does, and return (exit code, output of both streams)."""
        done = self.run(command, timeout=timeout)
        return None if done is None else (done.exit_code, done.output.strip())

    def run(self, command: Sequence[str], *, timeout: float) -> Executed | None:
        """Run a command in it, as its own user and without a shell.

        Returns:
            None where it did not end within `timeout` seconds or the container has ended. What did not end goes on
            until the container ends: the engine cannot kill it.
        """
        from docker.errors import APIError  # noqa: PLC0415 - docker-py is loaded by `Engine.connect`
        from requests.exceptions import RequestException  # noqa: PLC0415 - same
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 - same

        api = self._engine.api
        with engine_faults("running a command in a container"):
            try:
                made = api.exec_create(self._container, list(command))["Id"]
                url = api._url("/exec/{0}/start", made)  # noqa: SLF001 - docker-py's own method has no time-out
                answer = api._post_json(url, data={"Tty": False, "Detach": False}, timeout=timeout)  # noqa: SLF001 - same
                said = list(frames([answer.content]))
                code = api.exec_inspect(made)["ExitCode"]
            except (APIError, RequestException, HTTPError):
                return None
        if code is None:
            return None
        streams = {
            stream: b"".join(chunk for found, chunk in said if found is stream).decode(errors="replace")
            for stream in (Stream.STDOUT, Stream.STDERR)
        }
        output = b"".join(chunk for _, chunk in said).decode(errors="replace")
        return Executed(
            exit_code=int(code), output=output, stdout=streams[Stream.STDOUT], stderr=streams[Stream.STDERR]
        )

    def changes(self) -> tuple[str, ...]:
        """Return the files that it has written or removed outside of its volumes; folders are left out.

        This costs the engine a walk over the image with some storage drivers (3 s with fuse-overlayfs).
        """
        with engine_faults("listing what a container has written"):
            said = self._engine.api.diff(self._container) or []
        paths = [entry["Path"] for entry in said]
        folders = {path.rpartition("/")[0] for path in paths}
        return tuple(path for path in paths if path not in folders)
