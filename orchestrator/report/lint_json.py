"""A lint as JSON. `version` changes when a key changes its meaning; new keys may come at any time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.dockerfile.rules.rule import Finding
    from orchestrator.dockerfile.spans import Span
    from orchestrator.report.lint_report import LintReport
    from orchestrator.report.style import Style

VERSION = 1


def render(report: LintReport, _style: Style) -> str:
    """Return the lint as an object: version, counts, files with their findings."""
    counts = {f"{severity}s": count for severity, count in sorted(report.counts.items())}
    made = {
        "version": VERSION,
        "exit_code": report.exit_code,
        "counts": {"errors": 0, "warnings": 0, "hints": 0, **counts},
        "files": [
            {
                "file": file.file,
                "ignored": file.ignored,
                "failure": file.failure[1] if file.failure else None,
                "findings": [_finding(finding) for finding in file.findings],
            }
            for file in report.files
        ],
    }
    return json.dumps(made, indent=2) + "\n"


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": str(finding.severity),
        "span": _span(finding.span),
        "message": finding.message,
        "why": finding.why,
        "repair": finding.repair,
        "related": [{"span": _span(related.span), "text": related.text} for related in finding.related],
    }


def _span(span: Span) -> dict[str, Any]:
    return {
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "last_line": span.last_line,
        "last_column": span.last_column,
    }
