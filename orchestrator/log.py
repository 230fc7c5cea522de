"""The machine's log: structlog on stderr, as key=value lines, or JSON where a machine reads it.

What a person reads is made by `report/`; this is for those who look for what the tool itself did, and when. It is
a file format, so it is UTF-8 whatever the locale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

VARIABLE = "TWINBUILD_LOG"
_FORMS = ("text", "json")


def log_form(environment: Mapping[str, str]) -> str | None:
    """Return which form of log is asked for: `text`, `json`, or None for no log.

    Raises:
        UsageError: the variable holds something else.
    """
    form = environment.get(VARIABLE) or None
    if form is not None and form not in _FORMS:
        raise UsageError(
            f"{VARIABLE} is {form!r}, expected one of {', '.join(_FORMS)}",
            repair=f"{VARIABLE}=json, or unset it for no log",
        )
    return form


def logger_for(stream: BinaryIO, environment: Mapping[str, str]) -> FilteringBoundLogger | None:
    """Return a logger that writes to a stream where TWINBUILD_LOG asks for one, else None.

    Raises:
        UsageError: the variable holds something else than the two forms.
    """
    form = log_form(environment)
    if form is None:
        return None
    import structlog  # noqa: PLC0415 - 0.1 s that only those who want the log pay

    key_order = ["timestamp", "level", "event", "run"]
    renderer = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.processors.LogfmtRenderer(key_order=key_order, drop_missing=True)
    )
    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.BytesLogger(stream),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _printable,
            renderer,
            _encoded,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(0),
    )
    return logger


def _printable(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Write control characters as escapes: a program's output must not steer the terminal that shows the log."""
    return {key: _escaped(value) if isinstance(value, str) else value for key, value in event.items()}


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in text
    )


def _encoded(_logger: WrappedLogger, _method: str, line: Any) -> bytes:
    return str(line).encode("utf-8")
