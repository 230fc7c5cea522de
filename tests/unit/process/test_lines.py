"""Lines of programs that print strangely."""

from __future__ import annotations

from orchestrator.engine.lines import LineSplitter, Stream


def test_a_line_without_end_is_passed_on_in_pieces() -> None:
    """Memory stays bounded, and nothing is lost."""
    pieces: list[str] = []
    splitter = LineSplitter(lambda _stream, line: pieces.append(line))
    for _ in range(50):
        splitter.feed(Stream.STDOUT, b"x" * 65536)
    assert len(pieces) >= 2
    splitter.feed(Stream.STDOUT, b"end\nnext")
    splitter.finish()
    assert "".join(pieces) == "x" * (50 * 65536) + "endnext"
    assert pieces[-1] == "next"
