"""The record itself (`record.schema.json`), for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.record import dump_record

if TYPE_CHECKING:
    from orchestrator.record import RunRecord


def render(record: RunRecord) -> bytes:
    """Return the record's JSON; it escapes what programs wrote by itself."""
    return dump_record(record)
