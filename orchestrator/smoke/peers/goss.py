"""What a gossfile holds: the resources that can be judged from outside of the container, and the others by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from orchestrator.settings import Settings
from orchestrator.smoke.peers.matching import checked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_HERE = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104 - names of the container's own address
_METHODS = ("GET", "HEAD", "POST")

Expected = Annotated[Any, AfterValidator(checked)]
"""A value, or matchers for it."""


class _Resource(Settings):
    """A part of the file; its keys are written with hyphens."""

    model_config = ConfigDict(alias_generator=lambda name: name.replace("_", "-"))

    title: str = ""
    """For people."""

    meta: Any = None
    """For people."""

    skip: bool = False
    """Whether it is passed over; it is listed then."""


class FileResource(_Resource):
    """A path in the container, once the program is ready."""

    exists: bool
    path: str | None = None
    mode: Expected = None
    size: Expected = None
    owner: Expected = None
    uid: Expected = None
    group: Expected = None
    gid: Expected = None
    linked_to: Expected = None
    filetype: Expected = None
    contents: Expected = None
    contains: Expected = None
    md5: Expected = None
    sha256: Expected = None
    sha512: Expected = None


class UserResource(_Resource):
    """A line of /etc/passwd."""

    exists: bool
    username: str | None = None
    uid: Expected = None
    gid: Expected = None
    groups: Expected = None
    home: Expected = None
    shell: Expected = None


class GroupResource(_Resource):
    """A line of /etc/group."""

    exists: bool
    groupname: str | None = None
    gid: Expected = None


class PackageResource(_Resource):
    """A package of dpkg's or apk's."""

    installed: bool
    name: str | None = None
    versions: Expected = None


class ProcessResource(_Resource):
    """A process, by the name of its program."""

    running: bool
    comm: str | None = None


class PortResource(_Resource):
    """A port that takes connections at the container's address, or not."""

    listening: bool
    port: str | None = None
    ip: Any = None


class HttpResource(_Resource):
    """A request, to the container's address."""

    status: Expected
    url: str | None = None
    method: str = "GET"
    allow_insecure: bool = False
    no_follow_redirects: bool = False
    timeout: int = 5000
    request_headers: tuple[str, ...] = ()
    request_body: str = ""
    headers: Expected = None
    body: Expected = None
    username: Any = None
    password: Any = None
    ca_file: Any = None
    cert_file: Any = None
    key_file: Any = None
    proxy: Any = None


class CommandResource(_Resource):
    """A command that is run in the container: a text by the image's `sh`, a list of words without any shell."""

    exit_status: Expected
    exec: str | tuple[str, ...] | None = None
    stdout: Expected = None
    stderr: Expected = None
    timeout: int = 10000


class MatchingResource(_Resource):
    """A value that stands in the file itself."""

    content: Any
    matches: Expected
    as_reader: bool = False


class GossTests(Settings):
    """A whole file; `gossfile` is taken apart by its reader."""

    model_config = ConfigDict(alias_generator=lambda name: name.replace("_", "-"))

    file: dict[str, FileResource] = Field(default_factory=dict)
    user: dict[str, UserResource] = Field(default_factory=dict)
    group: dict[str, GroupResource] = Field(default_factory=dict)
    package: dict[str, PackageResource] = Field(default_factory=dict)
    process: dict[str, ProcessResource] = Field(default_factory=dict)
    port: dict[str, PortResource] = Field(default_factory=dict)
    http: dict[str, HttpResource] = Field(default_factory=dict)
    command: dict[str, CommandResource] = Field(default_factory=dict)
    matching: dict[str, MatchingResource] = Field(default_factory=dict)
    gossfile: dict[str, Any] = Field(default_factory=dict)
    addr: dict[str, Any] = Field(default_factory=dict)
    dns: dict[str, Any] = Field(default_factory=dict)
    interface: dict[str, Any] = Field(default_factory=dict)
    kernel_param: dict[str, Any] = Field(default_factory=dict)
    mount: dict[str, Any] = Field(default_factory=dict)
    service: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _can_be_judged(self) -> GossTests:
        judged = {(kind, name) for kind, name, _ in self.resources()} - set(self.not_judged())
        if not judged and not self.gossfile:
            msg = "expected at least one resource that can be judged from outside of the container"
            raise ValueError(msg)
        return self

    @property
    def needs_network(self) -> bool:
        """Return whether the program is asked from outside of its container."""
        left = self.not_judged()
        return any(kind in {"port", "http"} and (kind, name) not in left for kind, name, _ in self.resources())

    def resources(self) -> Iterator[tuple[str, str, Any]]:
        """Yield (kind, key, resource) of all, those that are not judged included."""
        for field, description in type(self).model_fields.items():
            if field != "gossfile":
                kind = description.alias or field
                yield from ((kind, name, resource) for name, resource in getattr(self, field).items())

    def not_judged(self) -> Mapping[tuple[str, str], str]:
        """Return why a resource is not judged, by kind and key."""
        found = {}
        for kind, name, resource in self.resources():
            reason = _reason(kind, name, resource)
            if reason is not None:
                found[kind, name] = reason
        return found


def _reason(kind: str, name: str, resource: Any) -> str | None:
    if isinstance(resource, _Resource) and resource.skip:
        return "the file says `skip: true`"
    if isinstance(resource, PortResource):
        return _port_reason(resource.port or name, resource)
    if isinstance(resource, HttpResource):
        return _http_reason(resource.url or name, resource)
    if not isinstance(resource, _Resource):
        return f"`{kind}` is about the network or the kernel around the container, not about the image"
    return None


def _port_reason(port: str, resource: PortResource) -> str | None:
    kind, _, number = port.rpartition(":")
    if kind not in {"", "tcp"} or not number.isdecimal():
        return "from outside only connections by TCP over IPv4 can be tried (`tcp:80`)"
    return "from outside nobody sees on which address it listens (`ip`)" if resource.ip else None


def _http_reason(url: str, resource: HttpResource) -> str | None:
    parts = urlsplit(url)
    if parts.hostname not in _HERE:
        return f"{url} leads out of the container, and the run has no way out"
    if parts.scheme != "http" or resource.ca_file or resource.cert_file or resource.key_file:
        return "only plain HTTP is asked"
    if resource.proxy:
        return "there is no proxy in the run's network"
    if resource.username or resource.password:
        return "`username` is not supported: write the header under `request-headers`"
    if resource.method not in _METHODS:
        return f"only {', '.join(_METHODS)} are asked, not {resource.method}"
    return None
