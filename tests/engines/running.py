"""Starting and stopping an engine beside this machine's own.

It lives as long as the process that started it, and no longer, however that one ends: the kernel kills the first
process of the engine's process namespace, and everything in it goes along: dockerd, containerd, containers, mounts.
So does its network, a namespace with a cable to the host: it cannot touch the host's links and packet filter. (In the
host's own namespace, and told to use another bridge, engine 28.5 was seen to delete `docker0`.)
What stays is swept at the next start: the containers, networks and volumes that its data folder remembers. Images and
the build cache are kept on purpose.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import struct
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from docker import APIClient
from docker.errors import DockerException
from requests.exceptions import RequestException

from tests.engines.place import cache, held, system_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.engines.release import Release

_HERE = Path(__file__).resolve().parent
_START_SECONDS = 60
_STOP_SECONDS = 30
_MTU = "1400"
"""Small enough for the virtual machines and tunnels that CI runs in."""

_SETTINGS = {"builder": {"gc": {"enabled": False}}}
"""On a disk that is nearly full the builder drops what nobody uses: cache mounts, too, that a test has just filled."""


@contextmanager
def running(release: Release, environment: Mapping[str, str]) -> Iterator[str]:
    """Run an engine for the length of the block and yield its address, as DOCKER_HOST has it.

    A second one of the same release waits until the first is gone.

    Raises:
        RuntimeError: it does not start; the message ends with its log.
    """
    root = cache(environment)
    state = root / f"state-{release.name}"
    with held(state):
        system = system_of(release, root)
        with (state / "log").open("wb") as log:
            process = subprocess.Popen(_command(release, system, state), stdout=log, stderr=subprocess.STDOUT)
            try:
                _sweep(_answering(process, state, release))
                yield f"unix://{state}/run/docker.sock"
            finally:
                _stop(process, state, release)


def remove(release: Release, environment: Mapping[str, str]) -> None:
    """Remove what a release has kept: its images and build cache, and the Debian system that it runs in."""
    root = cache(environment)
    with held(root / f"state-{release.name}"):
        for name in ("data", "run"):
            shutil.rmtree(root / f"state-{release.name}" / name, ignore_errors=True)
        shutil.rmtree(root / f"system-{release.suite}", ignore_errors=True)


def _command(release: Release, system: Path, state: Path) -> list[str]:
    for name in ("run", "data"):
        (state / name).mkdir(exist_ok=True)
    (state / "run/docker.sock").unlink(missing_ok=True)
    (state / "run/daemon.json").write_text(json.dumps(_SETTINGS), encoding="utf-8")
    words = ["setpriv", "--pdeathsig", "KILL", "--"]
    words += ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child=KILL", "--"]
    words += [str(_HERE / "enter.sh"), str(system), str(state), release.link, *release.ends, *release.networks, "--"]
    words += ["--config-file=/run/engine/daemon.json"]
    words += ["--host=unix:///run/engine/docker.sock", f"--bip={release.bridge}", f"--mtu={_MTU}"]
    # It has the network to itself and leads nowhere, so there is nothing to keep out.
    words += ["--iptables=false", "--ip6tables=false", "--ip-forward=false"]
    words += [f"--default-address-pool={release.pool}", f"--cgroup-parent=/{release.link}"]
    words += [f"--feature={name}=true" for name in release.features]
    return ["sh", "-c", 'exec "$@" 9</proc/self/ns/net', "sh", *words]


def _answering(process: subprocess.Popen[bytes], state: Path, release: Release) -> APIClient:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if not _listening(state / "run/docker.sock"):
            time.sleep(0.1)
            continue
        api = _client(state)
        found = str(api.version()["Version"])
        if found.startswith(release.version):
            return api
        api.close()
        raise RuntimeError(f"Debian {release.suite} has engine {found}; expected {release.version}")
    tail = (state / "log").read_text(errors="replace")[-3000:]
    raise RuntimeError(f"engine {release.name} does not start (exit code {process.poll()}):\n{tail}")


def _listening(place: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as attempt:
        try:
            attempt.connect(str(place))
        except OSError:
            return False
    return True


def _client(state: Path) -> APIClient:
    return APIClient(base_url=f"unix://{state}/run/docker.sock", version="auto", timeout=_START_SECONDS)


def _sweep(api: APIClient) -> None:
    """Remove what a killed predecessor left; nobody else uses this engine."""
    try:
        for container in api.containers(all=True):
            api.remove_container(container["Id"], force=True, v=True)
        for network in api.networks():
            if network["Name"] not in {"bridge", "host", "none"}:
                api.remove_network(network["Id"])
        for volume in api.volumes()["Volumes"] or ():
            api.remove_volume(volume["Name"], force=True)
    finally:
        api.close()


def _stop(process: subprocess.Popen[bytes], state: Path, release: Release) -> None:
    if process.poll() is None and _listening(state / "run/docker.sock"):
        with suppress(DockerException, RequestException):
            _sweep(_client(state))
    # `unshare` passes no signal on: its child, the namespace's first process, is told itself.
    for child in _children(process.pid):
        with suppress(ProcessLookupError):
            os.kill(child, 15)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _wait_for_end_of(release.link)
    for group in sorted(Path("/sys/fs/cgroup").glob(f"**/{release.link}"), reverse=True):
        for folder in sorted(group.glob("**/"), reverse=True):
            with suppress(OSError):
                folder.rmdir()


def _wait_for_end_of(link: str) -> None:
    """Wait until the kernel has taken down a network namespace that nobody is in any more."""
    until = time.monotonic() + _STOP_SECONDS
    while Path(f"/sys/class/net/{link}").exists() and time.monotonic() < until:
        time.sleep(0.05)


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    return []


def network_of(host: str) -> list[str]:
    """Return how a command begins that runs in an engine's own network, with the programs of its Debian system."""
    with socket.socket(socket.AF_UNIX) as attempt:
        attempt.connect(host.removeprefix("unix://"))
        pid, _, _ = struct.unpack("3i", attempt.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return ["nsenter", f"--target={pid}", "--net", "--mount", "--"]


def describe(host: str) -> str:
    """Return what an engine says of itself, in a line."""
    api = APIClient(base_url=host, version="auto", timeout=60)
    try:
        facts = api.info()
    finally:
        api.close()
    kept = {"version": facts["ServerVersion"], "driver": facts["Driver"], "cgroups": facts.get("CgroupVersion")}
    return json.dumps(kept)
