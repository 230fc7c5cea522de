"""Run inside the sandbox of the host's program, in its place first: opens the services' ports there, then becomes it.

`listen.py SOCKET ADDRESS:PORT… -- PROGRAM ARGUMENT…`, for the standard library alone. The open ports go to the gateway
(gateway.py) outside of the sandbox, which is the only way out that the program has.
"""

from __future__ import annotations

import os
import signal
import socket
import sys


def _main() -> None:
    end = sys.argv.index("--")
    gate, *places = sys.argv[1:end]
    program = sys.argv[end + 1 :]
    listeners = []
    for place in places:
        address, _, port = place.rpartition(":")
        listeners.append(socket.create_server((address, int(port)), backlog=64))
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(gate)
        socket.send_fds(connection, [b"."], [listener.fileno() for listener in listeners])
        connection.recv(1)
    # Python ignores these two, and a program inherits what is ignored.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    os.execv(program[0], program)  # noqa: S606 - the program under watch, named by the tool itself


if __name__ == "__main__":
    _main()
