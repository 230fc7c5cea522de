"""What each probe makes of what it sees, against a real socket where one is needed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from orchestrator.smoke import relay
from orchestrator.smoke.probes.http import HttpProbe, no_answer, read_answer
from orchestrator.smoke.signals import signal_name, signal_number

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "127.0.0.1"


def listener() -> socket.socket:
    made = socket.create_server((HOST, 0))
    made.settimeout(10)
    return made


def port_of(listening: socket.socket) -> int:
    return int(listening.getsockname()[1])


@pytest.fixture
def server() -> Iterator[list[bytes]]:
    """Answer each connection with the next of the answers, and keep it open, as a server with keep-alive does."""
    answers: list[bytes] = []
    listening, open_ones = listener(), []

    def serve() -> None:
        while True:
            try:
                taken, _ = listening.accept()
            except OSError:
                return
            open_ones.append(taken)
            taken.recv(4096)
            taken.sendall(answers.pop(0))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    answers.append(str(port_of(listening)).encode())
    yield answers
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join(5)
    for taken in open_ones:
        taken.close()


def test_an_exchange_ends_with_the_answer_and_not_with_the_connection(server: list[bytes]) -> None:
    """Nobody waits for a server that keeps the connection open, whichever way it tells the length."""
    port = int(server.pop())
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    for answer in (whole, chunked):
        server.append(answer)
        raw = relay.exchange(HOST, port, b"GET / HTTP/1.1\r\n\r\n", timeout=30)
        assert (read_answer(raw, "GET").status, read_answer(raw, "GET").body) == (200, "ok")


def test_the_relay_is_also_a_program(server: list[bytes]) -> None:
    """The same exchange from another process, as it is started in another network namespace."""
    port = int(server.pop())
    server.append(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")
    words, own = [sys.executable, "-I", "-S", relay.__file__, HOST], str(os.getpid())
    done = subprocess.run(
        [*words, str(port), "10", own], input=b"GET / HTTP/1.1\r\n\r\n", capture_output=True, check=True
    )
    assert read_answer(done.stdout, "GET").status == 204
    with listener() as free:
        nobody = port_of(free)
    assert subprocess.run([*words, str(nobody), "5", own], input=b"", check=False).returncode == relay.REFUSED


def test_silence_and_refusal_are_told_apart() -> None:
    """A port that takes connections and says nothing is another fault than one where nobody listens."""
    with listener() as mute:
        port = port_of(mute)
        assert relay.exchange(HOST, port, b"", timeout=1) == b""
        with pytest.raises(TimeoutError) as silent:
            relay.exchange(HOST, port, b"GET / HTTP/1.1\r\n\r\n", timeout=0.1)
    assert "does not answer" in no_answer(silent.value, port)
    with pytest.raises(ConnectionRefusedError) as refused:
        relay.exchange(HOST, port, b"", timeout=1)
    assert "nothing listens" in no_answer(refused.value, port)


def test_what_is_no_http_is_told() -> None:
    """An SSH banner, or half an answer, is no status."""
    with pytest.raises(ConnectionError, match="no HTTP answer: b'SSH-2"):
        read_answer(b"SSH-2.0-OpenSSH_9.2\r\n", "GET")


@pytest.mark.parametrize(
    ("wanted", "answer", "fault"),
    [
        ({}, b"HTTP/1.1 200 OK\r\n\r\nfine", None),
        ({}, b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", None),
        ({}, b"HTTP/1.1 404 Not Found\r\n\r\n", "it answered 404"),
        ({"status": 404}, b"HTTP/1.1 404 Not Found\r\n\r\n", None),
        ({"status": 200}, b"HTTP/1.1 204 No Content\r\n\r\n", "it answered 204, expected 200"),
        ({"body": "fine"}, b"HTTP/1.1 200 OK\r\n\r\nall fine", None),
        ({"body": "fine"}, b"HTTP/1.1 200 OK\r\n\r\n\xff", "the body is '\ufffd', expected one with 'fine'"),
        ({"headers": {"X-A": "b"}}, b"HTTP/1.1 200 OK\r\nx-a: abc\r\n\r\n", None),
        ({"headers": {"X-A": "b"}}, b"HTTP/1.1 200 OK\r\n\r\n", "the header X-A is None, expected one with 'b'"),
    ],
)
def test_an_answer_is_held_against_the_plan(wanted: dict[str, object], answer: bytes, fault: str | None) -> None:
    """Status, headers and body; without a status anything from 200 to 399 will do."""
    probe = HttpProbe.model_validate({"port": 80, **wanted})
    assert probe.fault(read_answer(answer, "GET")) == fault


@pytest.mark.parametrize(
    ("written", "name", "number"),
    [
        (None, "SIGTERM", 15),
        ("", "SIGTERM", 15),
        ("SIGINT", "SIGINT", 2),
        ("INT", "SIGINT", 2),
        ("10", "SIGUSR1", 10),
        ("SIGRTMIN+3", "SIGRTMIN+3", 37),
        ("37", "SIGRTMIN+3", 37),
    ],
)
def test_stop_signals_are_written_in_many_ways(written: str | None, name: str, number: int) -> None:
    """STOPSIGNAL takes names with and without SIG, and numbers."""
    assert (signal_name(written), signal_number(name)) == (name, number)
