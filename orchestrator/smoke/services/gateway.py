"""The way from the sandbox of the host's program to its services: ports opened inside, connections made outside."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_BLOCK = 1 << 16
_CONNECT_SECONDS = 10.0


class Gateway:
    """Takes the open ports of a sandbox and passes their connections on; use it as a context manager.

    Args:
        path: where its socket lies, to which `listen.py` hands the open ports.
        targets: address and port of each service, in the order in which `listen.py` opens its ports.
    """

    def __init__(self, path: Path, targets: Sequence[tuple[str, int]]) -> None:
        self._path, self._targets = path, tuple(targets)
        self._gate = socket.socket(socket.AF_UNIX)
        self._open: list[socket.socket] = [self._gate]
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        """Begin to take ports."""
        self._gate.bind(str(self._path))
        self._gate.listen()
        self._path.chmod(0o666)
        threading.Thread(target=self._take, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close every connection."""
        self._closed.set()
        for each in self._open:
            # Closing alone does not wake who waits in `accept`.
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _take(self) -> None:
        """Take ports as often as the program is started."""
        with contextlib.suppress(OSError):
            while not self._closed.is_set():
                connection, _ = self._gate.accept()
                with connection:
                    _, numbers, _, _ = socket.recv_fds(connection, 1, len(self._targets))
                    for number, target in zip(numbers, self._targets, strict=False):
                        listener = socket.socket(fileno=number)
                        self._open.append(listener)
                        threading.Thread(target=self._serve, args=(listener, target), daemon=True).start()
                    connection.send(b".")

    def _serve(self, listener: socket.socket, target: tuple[str, int]) -> None:
        with contextlib.suppress(OSError):
            while not self._closed.is_set():
                inside, _ = listener.accept()
                threading.Thread(target=self._join, args=(inside, target), daemon=True).start()

    def _join(self, inside: socket.socket, target: tuple[str, int]) -> None:
        with inside:
            try:
                outside = socket.create_connection(target, timeout=_CONNECT_SECONDS)
            except OSError:
                # The program sees its connection end, as with a service that has ended.
                return
            with outside:
                outside.settimeout(None)
                self._open += [inside, outside]
                back = threading.Thread(target=_copy, args=(outside, inside), daemon=True)
                back.start()
                _copy(inside, outside)
                back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Pass on what comes until it ends; then say so to the other side."""
    with contextlib.suppress(OSError):
        while block := source.recv(_BLOCK):
            target.sendall(block)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
