"""Files that are no Dockerfile, or a broken one: what, where, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.dockerfile.parse import read_dockerfile
from orchestrator.errors import DockerfileInvalidError

CASES = {
    "empty": (b"", None, "no instructions"),
    "comments": (b"\n# FROM nothing\n", None, "no instructions"),
    "program": (b"\x7fELF\x02\x01\0\0", 1, "no text"),
    "not-utf-8": (b"FROM a\nRUN echo \xff\n", 2, "no UTF-8"),
    "utf-16": ("FROM a\n".encode("utf-16"), 1, "no UTF-8"),
    "too-large": (b"#" * (2 << 20), None, "2,097,152 bytes"),
    "unknown": (b"FROM a\nRNU true\n", 2, "did you mean RUN?"),
    "windows-line-ends": (b"FROM a AS b\r\nRUN echo \\\r\n  hi\r\nFRMO x\r\n", 4, "did you mean FROM?"),
    "no-from": (b"ARG a\n", None, "no FROM"),
    "too-early": (b"RUN true\nFROM a\n", 1, "before the first FROM"),
    "from-nothing": (b"FROM a\nFROM\n", 2, "expected FROM image"),
    "from-too-much": (b"FROM a OR b\n", 1, "expected FROM image"),
    "from-empty-argument": (b"ARG BASE\nFROM $BASE\n", 2, "its build argument is empty"),
    "copy-of-itself": (b"FROM a AS b\nCOPY --from=b /x /x\n", 2, "the stage b itself"),
    "copy-of-a-later-stage": (b"FROM a AS b\nCOPY --from=c /x /x\nFROM b AS c\n", 2, "line 3, which comes later"),
    "mount-of-a-later-stage": (b"FROM a\nRUN --mount=type=bind,from=c,target=/c true\nFROM a AS c\n", 2, "line 3"),
    "stage-number": (b"FROM a\nCOPY --from=4 / /\n", 2, "the stages are 0 to 0"),
    "half-a-copy": (b"FROM a\nCOPY x\n", 2, "needs 2"),
    "empty-run": (b"FROM a\nRUN\n", 2, "needs 1"),
}


@pytest.mark.parametrize(("content", "line", "said"), CASES.values(), ids=CASES)
def test_a_broken_dockerfile_is_refused_with_its_line(
    content: bytes, line: int | None, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "Dockerfile"
    path.write_bytes(content)
    with pytest.raises(DockerfileInvalidError) as caught:
        read_dockerfile(path, file="docker/Dockerfile", arguments={})
    assert said in caught.value.message
    assert caught.value.location is not None
    assert (caught.value.location.file, caught.value.location.line) == ("docker/Dockerfile", line)
    assert caught.value.repair


def test_a_missing_or_unreadable_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(DockerfileInvalidError, match="cannot be read"):
            read_dockerfile(path, file="Dockerfile", arguments={})


def test_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_bytes("\ufeffFROM a AS b\r\nRUN echo \\\r\n  hi\r\n".encode())
    found = read_dockerfile(path, file="Dockerfile", arguments={})
    assert found.text == "FROM a AS b\nRUN echo \\\n  hi\n"
    assert [(each.line, each.last_line) for each in found.stages[0].instructions] == [(2, 3)]


def test_a_stage_may_share_its_name_with_an_earlier_one(tmp_path: Path) -> None:
    """The engine takes the last one before the reference (measured on 20.10)."""
    path = tmp_path / "Dockerfile"
    path.write_bytes(b"FROM a AS x\nFROM b AS x\nFROM c\nCOPY --from=x /f /f\n")
    found = read_dockerfile(path, file="Dockerfile", arguments={})
    stage = found.stage_of("x", before=2)
    assert stage is not None
    assert stage.base == "b"
