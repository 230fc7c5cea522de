"""A container's output as it comes, over a connection of its own that is closed at the end.

docker-py's own `attach` leaves the connection open, asks the engine once more whether there is a terminal, and reads in
two small steps a frame. Frames: https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach
"""

from __future__ import annotations

import contextlib
import struct
from typing import TYPE_CHECKING, Any

from orchestrator.engine.lines import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from orchestrator.engine.docker import Engine

_HEAD = struct.Struct(">BxxxL")
_STREAMS = {1: Stream.STDOUT, 2: Stream.STDERR}
_BLOCK = 1 << 18


class Attachment:
    """An open connection to a container's two streams; made before the start, so that nothing is missed."""

    def __init__(self, engine: Engine, container: str) -> None:
        api = engine.api
        self._answer = api._post(  # noqa: SLF001 - see the module's docstring
            api._url("/containers/{0}/attach", container),  # noqa: SLF001 - same
            headers={"Connection": "Upgrade", "Upgrade": "tcp"},
            params={"stdout": 1, "stderr": 1, "stream": 1},
            stream=True,
        )
        self._socket: Any = api._get_raw_response_socket(self._answer)  # noqa: SLF001 - same

    def read(self, on_chunk: Callable[[Stream, bytes], None]) -> None:
        """Read to the end, passing on what comes, and close the connection."""
        try:
            # A connection that breaks ends the output; why the engine broke it, the next request will tell.
            with contextlib.suppress(OSError):
                for stream, chunk in frames(self._blocks()):
                    on_chunk(stream, chunk)
        finally:
            self.close()

    def close(self) -> None:
        """Close the connection."""
        self._answer.close()

    def _blocks(self) -> Iterator[bytes]:
        # A plain socket's file for local engines, a TLS socket for remote ones.
        receive = self._socket.recv if hasattr(self._socket, "recv") else self._socket.read
        while block := receive(_BLOCK):
            yield block


def frames(blocks: Iterable[bytes]) -> Iterator[tuple[Stream, bytes]]:
    """Yield the parts of both streams out of what the engine sends."""
    rest = b""
    for block in blocks:
        data, at = rest + block, 0
        while len(data) - at >= _HEAD.size:
            kind, size = _HEAD.unpack_from(data, at)
            end = at + _HEAD.size + size
            if end > len(data):
                break
            if kind in _STREAMS:
                yield _STREAMS[kind], data[at + _HEAD.size : end]
            at = end
        rest = data[at:]
