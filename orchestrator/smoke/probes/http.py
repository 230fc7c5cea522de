"""The program is up once it answers a request as it should."""

from __future__ import annotations

import http.client
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, cast

from pydantic import Field

from orchestrator.settings import Settings
from orchestrator.smoke.probes.probe import Look, Probe

if TYPE_CHECKING:
    import socket

    from orchestrator.smoke.probes.probe import Target

_ATTEMPT_SECONDS = 1.0
_FINE = range(200, 400)
_MOST_BODY = 64 * 1024


class HttpRequest(Settings):
    """A request over plain HTTP/1.1, to the address of the container."""

    port: int = Field(ge=1, le=65535)
    """The port that the program listens on in the container."""

    path: str = Field(default="/", pattern=r"^/[!-~]*$")
    """Path and query."""

    method: Literal["GET", "HEAD", "POST"] = "GET"
    """The method."""

    request_headers: dict[str, str] = Field(default_factory=dict)
    """Sent along."""

    request_body: str = ""
    """Sent as the body."""

    status: int | None = Field(default=None, ge=100, le=599)
    """The status that it must have; without it, anything from 200 to 399 will do. Redirects are not followed."""

    headers: dict[str, str] = Field(default_factory=dict)
    """Texts that headers of the answer must hold."""

    body: str | None = None
    """A text that the body must hold."""

    def name(self) -> str:
        """Return the request in short."""
        return f"{self.method} :{self.port}{self.path}"

    def ask(self, target: Target, *, timeout: float = _ATTEMPT_SECONDS) -> HttpAnswer:
        """Ask once.

        Raises:
            OSError: no connection, or no answer within so many seconds.
        """
        payload = self.request_body.encode()
        given = {"Host": "localhost", "Connection": "close", "User-Agent": "twinbuild", **self.request_headers}
        if payload:
            given["Content-Length"] = str(len(payload))
        head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        request = f"{self.method} {self.path} HTTP/1.1\r\n{head}\r\n".encode() + payload
        return read_answer(target.exchange(self.port, request, timeout=timeout), self.method)

    def fault(self, answer: HttpAnswer) -> str | None:
        """Return what is wrong with an answer; None where it is as it must be."""
        if answer.status != self.status if self.status else answer.status not in _FINE:
            return f"it answered {answer.status}" + (f", expected {self.status}" if self.status else "")
        for name, text in self.headers.items():
            found = answer.headers.get(name.lower())
            if found is None or text not in found:
                return f"the header {name} is {found!r}, expected one with {text!r}"
        if self.body is not None and self.body not in answer.body:
            return f"the body is {answer.body[:200]!r}, expected one with {self.body!r}"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """What came back. `headers`: by name in lower case. `body`: at most 64 KiB, as text."""

    status: int
    headers: dict[str, str]
    body: str


class HttpProbe(HttpRequest, Probe):
    """A request that is repeated until its answer is right: 1 s for each attempt, every 0.25 s."""

    needs_network: ClassVar[bool] = True

    def look(self, target: Target) -> Look:
        """Ask once."""
        try:
            fault = self.fault(self.ask(target))
        except OSError as error:
            return Look(holds=False, saw=no_answer(error, self.port))
        return Look(holds=fault is None, saw=fault or "")

    def sought(self) -> str:
        """Return what is waited for."""
        return f"the right answer to {self.name()}"


def read_answer(raw: bytes, method: str) -> HttpAnswer:
    """Read the bytes of an answer.

    Raises:
        ConnectionError: they are no HTTP answer.
    """
    answer = http.client.HTTPResponse(cast("socket.socket", _Received(raw)), method=method)
    try:
        answer.begin()
        body = answer.read(_MOST_BODY)
    except (http.client.HTTPException, ValueError) as error:
        text = f"what came is no HTTP answer: {raw[:60]!r}"
        raise ConnectionError(text) from error
    headers = {name.lower(): value for name, value in answer.getheaders()}
    return HttpAnswer(status=answer.status, headers=headers, body=body.decode(errors="replace"))


def no_answer(error: OSError, port: int) -> str:
    """Return in words why there was no answer from a port."""
    if isinstance(error, ConnectionRefusedError):
        return (
            f"nothing listens on port {port} of the container's address (a program that listens on 127.0.0.1 "
            "cannot be reached from outside)"
        )
    if isinstance(error, TimeoutError):
        return f"port {port} takes connections and does not answer within {_ATTEMPT_SECONDS:g} s"
    return str(error)


class _Received:
    """Bytes in the form in which http.client takes a socket."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._raw)
