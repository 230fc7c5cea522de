"""BuildKit's status messages, as engine 20.10 sent them."""

from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.engine.protobuf import MalformedMessageError, VertexLog, read_status

STEP = "sha256:f74e162781de929061e71a2b5d350179ea343b5603e13b5f995f52705aa18f5f"
LOGS = base64.b64decode(
    "Gl8KR3NoYTI1NjpmNzRlMTYyNzgxZGU5MjkwNjFlNzFhMmI1ZDM1MDE3OWVhMzQzYjU2MDNlMTNiNWY5OTVmNTI3MDVhYTE4ZjVmEgwIsbmW2AYQ"
    "sbeYxgMYAiIEZXJyChpeCkdzaGEyNTY6Zjc0ZTE2Mjc4MWRlOTI5MDYxZTcxYTJiNWQzNTAxNzllYTM0M2I1NjAzZTEzYjVmOTk1ZjUyNzA1YWEx"
    "OGY1ZhIMCLG5ltgGEKeAm8YDGAEiA2hpCg=="
)
FAILURE = base64.b64decode(
    "Cq4CCkdzaGEyNTY6Zjc0ZTE2Mjc4MWRlOTI5MDYxZTcxYTJiNWQzNTAxNzllYTM0M2I1NjAzZTEzYjVmOTk1ZjUyNzA1YWExOGY1ZhJHc2hhMjU2"
    "OmEyNjQ3NTk0OGYzYTE4Yzk2NmYyNmRkYTZhYTZiYjY2ZDAzNzgwZGQxZjNhMDA0Yjk2NTBhY2E4OTgzZTc3NDEaLltzdGFnZS0xIDIvMl0gUlVO"
    "IGVjaG8gaGk7IGVjaG8gZXJyID4mMjsgZmFsc2UqDAixuZbYBhC9zNOLATILCLK5ltgGENCcigI6T2V4ZWN1dG9yIGZhaWxlZCBydW5uaW5nIFsv"
    "YmluL3NoIC1jIGVjaG8gaGk7IGVjaG8gZXJyID4mMjsgZmFsc2VdOiBleGl0IGNvZGU6IDE="
)


def test_logs() -> None:
    """Each with its step and stream."""
    assert read_status(LOGS).logs == (
        VertexLog(vertex=STEP, stream=2, message=b"err\n"),
        VertexLog(vertex=STEP, stream=1, message=b"hi\n"),
    )


def test_a_failed_step() -> None:
    """Name, times to the nanosecond, and the executor's words."""
    (vertex,) = read_status(FAILURE).vertexes
    assert (vertex.digest, vertex.name) == (STEP, "[stage-1 2/2] RUN echo hi; echo err >&2; false")
    assert not vertex.cached
    assert vertex.started == pytest.approx(1795529905.2928739)
    assert vertex.completed == pytest.approx(1795529906.0043619)
    assert vertex.error.endswith("exit code: 1")


def test_fields_of_later_versions_are_passed_over() -> None:
    """Unknown numbers and all wire types that exist: varint, 64 bit, bytes, 32 bit."""
    later = b"\x48\x01" + b"\x51" + bytes(8) + b"\x5a\x02hi" + b"\x65" + bytes(4)
    assert read_status(LOGS + later) == read_status(LOGS)
    assert read_status(b"").vertexes == ()


@pytest.mark.parametrize(
    "message",
    [FAILURE[:-1], b"\x0a", b"\x0b", b"\x0a\x05abc", b"\x08\xff", b"\x08" + b"\xff" * 50 + b"\x01", b"\x51\x00"],
)
def test_damaged_messages_are_refused(message: bytes) -> None:
    """Cut off, of a wire type that does not exist, or a number without end."""
    with pytest.raises(MalformedMessageError):
        read_status(message)


@given(st.binary(max_size=60) | st.binary(max_size=8).map(lambda noise: FAILURE[:40] + noise + FAILURE[48:]))
def test_no_bytes_break_the_reader(message: bytes) -> None:
    """A message or a refusal."""
    with contextlib.suppress(MalformedMessageError):
        read_status(message)
