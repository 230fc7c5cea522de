"""`python -m orchestrator.record`: prints the JSON schema of the record, for `record.schema.json`."""

from __future__ import annotations

import json
import sys

from orchestrator.record.file import record_schema

sys.stdout.write(json.dumps(record_schema(), indent=2) + "\n")
