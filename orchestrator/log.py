"""The machine's log: structlog on stderr, as key=value lines, or JSON where a machine reads it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from structlog.typing import FilteringBoundLogger


def set_up_log(environment: Mapping[str, str]) -> FilteringBoundLogger | None:
    """Return a logger where TWINBUILD_LOG asks for one (`text` or `json`), else None.

    What a person reads is made by `report/`; this is for those who look for why the tool itself did something.
    """
    form = environment.get("TWINBUILD_LOG")
    if form not in {"text", "json"}:
        return None
    import structlog  # noqa: PLC0415 - 0.1 s that only those who want the log pay

    renderer = structlog.processors.JSONRenderer() if form == "json" else structlog.processors.LogfmtRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger
