"""One exchange over TCP: connect, send, and read until the other side ends or the time is over.

Also a program of its own, for the standard library alone, that does this in another process's network:
`relay.py HOST PORT SECONDS PID`, with the request on standard input and the answer on standard output.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import re
import socket
import sys
import time

MOST_BYTES = 256 * 1024
_NS_GET_USERNS = 0xB701
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
"""linux/nsfs.h and linux/sched.h."""

_NO_WAY = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH})
REFUSED, SILENT, BROKEN = 3, 4, 5
"""Exit codes of the program: no connection, no answer in time, any other trouble (told on standard error)."""

_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)\s*\r\n", re.IGNORECASE)


class UnreachableError(ConnectionError):
    """No packet comes back from an address: it is no address of this machine's networks."""


def exchange(host: str, port: int, request: bytes, *, timeout: float) -> bytes:
    """Return what came back; empty for an empty request, which only connects.

    Raises:
        ConnectionRefusedError: nobody listens there.
        UnreachableError: the address cannot be reached from here.
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
    except OSError as error:
        if isinstance(error, TimeoutError) or error.errno in _NO_WAY:
            message = f"{host} cannot be reached from here (is the engine rootless, or on another machine?)"
            raise UnreachableError(message) from None
        raise


def _complete(answer: bytes) -> bool:
    """Return whether an HTTP answer is all there, so that nobody waits for a server that keeps connections open."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    length = _LENGTH.search(head + b"\r\n")
    return len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n")


def enter_network(pid: int) -> None:
    """Move this process into another one's network namespace. It must have no threads.

    Without root that takes the rights of the user namespace that the network belongs to, which need not be the one that
    the process itself is in: a sandbox may nest a second one. The kernel tells which it is (ioctl_ns(2)).

    Raises:
        OSError: it is gone, or belongs to somebody else.
    """
    library = ctypes.CDLL(None, use_errno=True)
    with open(f"/proc/{pid}/ns/net", "rb") as network:  # noqa: PTH123 - pathlib is slow to start, this program is not
        owner = fcntl.ioctl(network, _NS_GET_USERNS)
        if not os.path.sameopenfile(owner, os.open("/proc/self/ns/user", os.O_RDONLY)):
            _check(library.setns(owner, _CLONE_NEWUSER))
        _check(library.setns(network.fileno(), _CLONE_NEWNET))


def _check(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"the sandbox's network cannot be entered: {os.strerror(number)}")


def _main() -> int:
    host, port, timeout, pid = sys.argv[1:5]
    try:
        enter_network(int(pid))
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
