"""What a run leaves behind: `record.json`, complete or not there at all."""

from orchestrator.record.facts import (
    VERSION,
    BaseFacts,
    CallFacts,
    ExcerptFacts,
    FailureFacts,
    ImageFacts,
    LineFacts,
    LocalFacts,
    ProgramFacts,
    RunRecord,
    SourceFacts,
    SpecFacts,
    StepFacts,
    ToolFacts,
    TranscriptFacts,
)
from orchestrator.record.file import FILE_NAME, dump_record, failure_of, read_record, record_schema, write_record

__all__ = [
    "FILE_NAME",
    "VERSION",
    "BaseFacts",
    "CallFacts",
    "ExcerptFacts",
    "FailureFacts",
    "ImageFacts",
    "LineFacts",
    "LocalFacts",
    "ProgramFacts",
    "RunRecord",
    "SourceFacts",
    "SpecFacts",
    "StepFacts",
    "ToolFacts",
    "TranscriptFacts",
    "dump_record",
    "failure_of",
    "read_record",
    "record_schema",
    "write_record",
]
