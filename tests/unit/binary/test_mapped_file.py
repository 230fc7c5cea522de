"""A file in memory: what goes wrong while it is read is told as what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.binary.mapped_file import mapped_file

if TYPE_CHECKING:
    from pathlib import Path


def test_the_content_is_there_and_the_mapping_is_closed_behind_it(tmp_path: Path) -> None:
    """Both forms show the file; afterwards neither does."""
    path = tmp_path / "file"
    path.write_bytes(b"content")
    with mapped_file(path) as (mapped, view):
        assert (mapped[:], bytes(view)) == (b"content", b"content")
    assert mapped.closed
    with pytest.raises(ValueError, match="released"):
        len(view)


def test_an_error_is_not_hidden_by_what_its_frames_still_hold(tmp_path: Path) -> None:
    """Ctrl-C comes anywhere, and the frame that it leaves has a part of the file in its hands."""
    path = tmp_path / "file"
    path.write_bytes(b"content")

    def interrupted(part: memoryview) -> None:
        raise KeyboardInterrupt(len(part))

    with pytest.raises(KeyboardInterrupt), mapped_file(path) as (_, view):
        interrupted(view[3:])
