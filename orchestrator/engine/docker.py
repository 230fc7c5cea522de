"""The Docker engine by docker-py: connecting, images and tags. Only plain frozen data leaves this package.

Every fault of docker-py is turned into this tool's own errors in one place (`faults.py`).
"""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from orchestrator.engine.faults import engine_faults, fault, reason
from orchestrator.engine.image_facts import ImageFacts, image_facts
from orchestrator.engine.races import is_gone, settled
from orchestrator.engine.store import names_manifests
from orchestrator.errors import (
    BaseUnavailableError,
    EngineUnreachableError,
    EngineUnsupportedError,
    NoVerdictError,
)
from orchestrator.neighbours import in_turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

OLDEST = (20, 10)
"""The oldest engine whose BuildKit takes what the tool sends (measured: 20.10.24)."""

_DEFAULT_HOST = "unix:///var/run/docker.sock"
_CONFLICT = 409
_TIMEOUT_SECONDS = 600
"""For one answer of the engine. Builds and loads stream, so this bounds silence, not work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineVersion:
    """What the engine says of itself."""

    version: str
    api: str
    os: str
    architecture: str


class Engine:
    """A connection to a Docker engine. Use it as a context manager.

    Attributes:
        api: docker-py's client; for the modules of this package only.
        version: what the engine says of itself.
    """

    def __init__(self, api: Any, version: EngineVersion) -> None:
        # docker-py is typed in part only, and the calls that matter here are below what it types.
        self.api = api
        self.version = version
        self._names_manifests: bool | None = None

    @classmethod
    def connect(cls, environment: Mapping[str, str]) -> Engine:
        """Connect to the engine that DOCKER_HOST names, or to the one of this machine.

        Raises:
            EngineUnreachableError: none answers.
            EngineUnsupportedError: one answers that is too old.
        """
        from docker import APIClient  # noqa: PLC0415 - 0.2 s, and `invoke spec` needs no engine
        from docker.errors import DockerException  # noqa: PLC0415 - same
        from requests.exceptions import RequestException  # noqa: PLC0415 - same

        host = environment.get("DOCKER_HOST") or _DEFAULT_HOST
        # Newer engines refuse old API versions and older ones new ones, so the version is negotiated.
        try:
            api = APIClient(base_url=host, version="auto", timeout=_TIMEOUT_SECONDS, tls=_tls(environment))
        except (DockerException, RequestException, OSError, ImportError) as error:
            raise _silent(host, error) from error
        try:
            version = _version(host, api.version())
            _require(version)
        except (DockerException, RequestException, OSError) as error:
            api.close()
            raise _silent(host, error) from error
        except NoVerdictError:
            api.close()
            raise
        return cls(api, version)

    def __enter__(self) -> Self:
        """Return the connection."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self.api.close()

    @property
    def names_manifests(self) -> bool:
        """Return whether it calls images by the digest of their manifest instead of their ID, and takes them whole."""
        if self._names_manifests is None:
            self._names_manifests = names_manifests(self)
        return self._names_manifests

    def image(self, reference: str) -> ImageFacts | None:
        """Return an image by id or tag, or None where the engine has none of that name."""
        from docker.errors import APIError  # noqa: PLC0415 - docker-py is loaded by `connect`

        with engine_faults("looking up an image"):
            try:
                return image_facts(settled(lambda: self.api.inspect_image(reference)))
            except APIError as error:
                if is_gone(error):
                    return None
                raise

    def images(self, repository: str) -> tuple[ImageFacts, ...]:
        """Return the images that have a tag in a repository."""
        with engine_faults("listing images"):
            found = self.api.images(name=repository)
        facts = (self.image(entry["Id"]) for entry in found)
        return tuple(image for image in facts if image is not None)

    def tag(self, image_id: str, reference: str) -> None:
        """Let a tag point to an image; the engine does it in one step."""
        repository, _, tag = reference.rpartition(":")
        with engine_faults("tagging an image"):
            self.api.tag(image_id, repository, tag, force=True)

    def remove_image(self, reference: str, *, parents: bool = True) -> bool:
        """Remove a tag or an image; False where it is not there or still in use.

        Args:
            reference: a tag, or an image's id.
            parents: whether untagged images that it was made from go as well.
        """
        from docker.errors import APIError  # noqa: PLC0415 - docker-py is loaded by `connect`

        with engine_faults("removing an image"), in_turn():
            try:
                settled(lambda: self.api.remove_image(reference, noprune=not parents))
            except APIError as error:
                if is_gone(error) or error.status_code == _CONFLICT:
                    return False
                raise
        return True

    def await_removals(self) -> None:
        """Return when removals of images that have begun are over.

        A removal asks who uses the image and then waits for other removals to end (each a layer's whole tree of files);
        until it is its turn, the image can still be looked up. Listing takes its turn behind those that wait
        (`image/store.go` of 20.10: `Delete` takes the lock that `Heads` reads under, and writers go first).
        """
        with engine_faults("waiting for removals of images"):
            # The label is nobody's: what is left to do is the wait, without the size of any layer.
            settled(lambda: self.api.images(quiet=True, filters={"dangling": True, "label": "io.twinbuild.nobody"}))

    def load(self, archive: Iterable[bytes]) -> str:
        """Load an image archive and return what the engine calls its image.

        Raises:
            NoSpaceError: the engine's disk is full.
            EngineUnreachableError: the connection broke, or the engine did not take the archive.
        """
        with engine_faults("loading an image"):
            return _loaded(self.post("/images/load", data=archive, params={"quiet": "1"}).iter_lines())

    def post(self, path: str, *, params: Mapping[str, str], data: Any = None) -> Any:
        """Post a tar to the engine and return the open answer; for the modules of this package.

        docker-py's own methods hold archives in memory and know only the classic builder, so this goes one level
        below them, over the same session.
        """
        answer = self.api._post(  # noqa: SLF001 - see above
            self.api._url(path),  # noqa: SLF001 - see above
            data=data,
            params=params,
            headers={"Content-Type": "application/x-tar"},
            stream=True,
        )
        self.api._raise_for_status(answer)  # noqa: SLF001 - see above
        return answer

    def cancel_build(self, build: str, *, within: float) -> None:
        """End a build that `post` began under this build id; give up after `within` seconds without an answer."""
        url, params = self.api._url("/build/cancel"), {"id": build}  # noqa: SLF001 - as in `post`
        answer = self.api._post(url, params=params, timeout=within)  # noqa: SLF001 - as in `post`
        self.api._raise_for_status(answer)  # noqa: SLF001 - as in `post`

    def hang_up(self, answer: Any) -> None:
        """Close the connection of an open answer of `post`; whoever reads it is told that it broke."""
        reading = self.api._get_raw_response_socket(answer)  # noqa: SLF001 - as in `post`
        with suppress(OSError):
            getattr(reading, "_sock", reading).shutdown(socket.SHUT_RDWR)

    def save(self, image_id: str) -> Iterator[bytes]:
        """Yield an image's archive, piece by piece."""
        with engine_faults("saving an image"):
            yield from self.api.get_image(image_id, chunk_size=1 << 20)

    def pull(self, reference: str, digest: str) -> str:
        """Pull an image by digest and return what the engine calls it. The reference's tag is not touched.

        Raises:
            BaseUnavailableError: the registry does not have it or does not answer.
        """
        from docker.errors import APIError  # noqa: PLC0415 - docker-py is loaded by `connect`

        repository = reference.rpartition(":")[0] if ":" in reference.rpartition("/")[2] else reference
        with engine_faults("pulling an image"):
            held = self.image(f"{repository}@{digest}")
            if held is not None:
                return held.id
            try:
                self.api.pull(repository, tag=digest)
            except APIError as error:
                raise BaseUnavailableError(
                    f"{repository}@{digest} could not be pulled",
                    repair="check the digest and that the registry can be reached (`docker pull` shows the same)",
                    detail=(reason(error),),
                ) from error
            pulled = self.image(f"{repository}@{digest}")
        if pulled is None:
            raise BaseUnavailableError(f"the engine pulled {repository}@{digest} and does not have it")
        return pulled.id


def _tls(environment: Mapping[str, str]) -> Any:
    if not environment.get("DOCKER_TLS_VERIFY"):
        return False
    from docker.tls import TLSConfig  # noqa: PLC0415 - only remote engines need it

    folder = environment.get("DOCKER_CERT_PATH") or os.path.expanduser("~/.docker")  # noqa: PTH111 - a plain string
    return TLSConfig(client_cert=(f"{folder}/cert.pem", f"{folder}/key.pem"), ca_cert=f"{folder}/ca.pem", verify=True)


def _silent(host: str, error: Exception) -> EngineUnreachableError:
    why = reason(error)
    if "Permission denied" in why:
        return EngineUnreachableError(
            f"the Docker engine at {host} may not be used by this user",
            repair="sudo usermod -aG docker $USER, and log in again",
            detail=(why,),
        )
    return EngineUnreachableError(
        f"no Docker engine answers at {host}",
        repair="start it with `sudo systemctl start docker` (or `sudo service docker start`), "
        "or name another one in DOCKER_HOST",
        detail=(why,),
    )


def _version(host: str, said: Any) -> EngineVersion:
    try:
        return EngineVersion(
            version=str(said["Version"]),
            api=str(said["ApiVersion"]),
            os=str(said["Os"]),
            architecture=str(said["Arch"]),
        )
    except (KeyError, TypeError) as error:
        raise EngineUnreachableError(
            f"what answers at {host} is no Docker engine", repair="name the engine's own address in DOCKER_HOST"
        ) from error


def _require(version: EngineVersion) -> None:
    numbers = tuple(int(part) for part in version.version.split(".")[:2] if part.isdigit())
    if numbers < OLDEST:
        raise EngineUnsupportedError(
            f"the Docker engine is {version.version}; this tool needs {OLDEST[0]}.{OLDEST[1]} or newer",
            repair="upgrade the engine",
        )
    if version.os != "linux":
        raise EngineUnsupportedError(
            f"the Docker engine runs {version.os} containers; this tool needs Linux containers",
            repair="switch the engine to Linux containers",
        )


def _loaded(lines: Iterable[bytes]) -> str:
    for line in lines:
        message = json.loads(line)
        if "error" in message:
            raise fault("loading an image", str(message["error"]))
        said = str(message.get("stream", ""))
        if said.startswith("Loaded image ID: "):
            return said.removeprefix("Loaded image ID: ").strip()
    raise EngineUnreachableError("the Docker engine took an image archive and did not say which image it holds")
