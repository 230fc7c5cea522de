"""The machine's log: a line an event, readable by programs, and harmless on a terminal."""

from __future__ import annotations

import io
import json

import pytest

from orchestrator.errors import UsageError
from orchestrator.log import logger_for


def test_no_log_unless_it_is_asked_for() -> None:
    """A person reads reports."""
    assert logger_for(io.BytesIO(), {}) is None
    assert logger_for(io.BytesIO(), {"TWINBUILD_LOG": ""}) is None


def test_an_unknown_form_is_told() -> None:
    """A typing mistake must not mean `no log`."""
    with pytest.raises(UsageError, match="'jsno', expected one of text, json"):
        logger_for(io.BytesIO(), {"TWINBUILD_LOG": "jsno"})


def test_json_lines_keep_their_fields() -> None:
    """One object a line, with time and level."""
    stream = io.BytesIO()
    logger = logger_for(stream, {"TWINBUILD_LOG": "json"})
    assert logger is not None
    logger.bind(run="r1").info("step", lane="local", seconds=1.5, cause=None)
    told = json.loads(stream.getvalue())
    assert told["timestamp"].endswith("Z")
    assert {key: told[key] for key in ("event", "run", "lane", "seconds", "cause", "level")} == {
        "event": "step",
        "run": "r1",
        "lane": "local",
        "seconds": 1.5,
        "cause": None,
        "level": "info",
    }


@pytest.mark.parametrize("form", ["text", "json"])
def test_hostile_text_stays_one_harmless_line(form: str) -> None:
    """Neither an escape code nor a second line can be smuggled in; the log is UTF-8 in every locale."""
    stream = io.BytesIO()
    logger = logger_for(stream, {"TWINBUILD_LOG": form})
    assert logger is not None
    logger.info("output", text="\x1b[2J🚀\nlevel=error event=forged\ud800")
    content = stream.getvalue().decode("utf-8")
    assert content.count("\n") == 1
    assert "\x1b" not in content
