"""One exchange over TCP: connect, send, and read until the other side ends or the time is over.

Also a program of its own, for the standard library alone, that is started in another network namespace:
`relay.py HOST PORT SECONDS`, with the request on standard input and the answer on standard output.
"""

from __future__ import annotations

import re
import socket
import sys
import time

MOST_BYTES = 256 * 1024
REFUSED, SILENT, BROKEN = 3, 4, 5
"""Exit codes of the program: no connection, no answer in time, any other trouble (told on standard error)."""

_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)\s*\r\n", re.IGNORECASE)


def exchange(host: str, port: int, request: bytes, *, timeout: float) -> bytes:
    """Return what came back; empty for an empty request, which only connects.

    Raises:
        ConnectionRefusedError: nobody listens there.
        TimeoutError: it was taken, and nothing came within `timeout` seconds.
        OSError: any other trouble of the network.
    """
    limit = time.monotonic() + timeout
    with _connected(host, port, timeout) as connection:
        if not request:
            return b""
        connection.sendall(request)
        answer = b""
        while not _complete(answer) and len(answer) < MOST_BYTES:
            left = limit - time.monotonic()
            try:
                connection.settimeout(max(left, 0.001))
                block = connection.recv(1 << 16) if left > 0 else b""
            except TimeoutError:
                block = b""
            if not block:
                break
            answer += block
        if answer:
            return answer
        if time.monotonic() >= limit:
            raise TimeoutError
        message = f"port {port} closed the connection without an answer"
        raise ConnectionResetError(message)


def _connected(host: str, port: int, timeout: float) -> socket.socket:
    try:
        return socket.create_connection((host, port), timeout=timeout)
    except TimeoutError:
        message = f"{host} cannot be reached from here (is the engine rootless, or on another machine?)"
        raise ConnectionError(message) from None


def _complete(answer: bytes) -> bool:
    """Return whether an HTTP answer is all there, so that nobody waits for a server that keeps connections open."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    length = _LENGTH.search(head + b"\r\n")
    return len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n")


def _main() -> int:
    host, port, timeout = sys.argv[1:4]
    try:
        answer = exchange(host, int(port), sys.stdin.buffer.read(), timeout=float(timeout))
    except ConnectionRefusedError:
        return REFUSED
    except TimeoutError:
        return SILENT
    except OSError as error:
        sys.stderr.write(str(error))
        return BROKEN
    sys.stdout.buffer.write(answer)
    return 0


if __name__ == "__main__":
    sys.exit(_main())
