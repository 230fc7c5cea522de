"""A lint as SARIF 2.1.0 (docs.oasis-open.org/sarif/sarif/v2.1.0), for code scanning."""

from __future__ import annotations

import hashlib
import json
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from orchestrator.dockerfile.lint import ALL_RULES
from orchestrator.dockerfile.rules.rule import Severity
from orchestrator.report.lint_report import page_of
from orchestrator.version import VERSION

if TYPE_CHECKING:
    from orchestrator.dockerfile.rules.rule import Finding, Rule
    from orchestrator.dockerfile.spans import Span
    from orchestrator.report.lint_report import LintReport
    from orchestrator.report.style import Style

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.HINT: "note"}
_INDEX = {rule.id: number for number, rule in enumerate(ALL_RULES)}


def render(report: LintReport, _style: Style) -> str:
    """Return the lint as one SARIF run."""
    failures = [file for file in report.files if file.failure is not None]
    run = {
        "tool": {"driver": {"name": "Twinbuild", "version": VERSION, "rules": [_rule(rule) for rule in ALL_RULES]}},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": not failures,
                "toolExecutionNotifications": [
                    {
                        "level": "error",
                        "message": {"text": file.failure[1] if file.failure else ""},
                        "locations": [{"physicalLocation": {"artifactLocation": {"uri": _uri(file.file)}}}],
                    }
                    for file in failures
                ],
            }
        ],
        "results": [_result(finding) for finding in report.findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.summary},
        "help": {"text": f"{page_of(rule.id)} shows a bad and a good example"},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"tags": ["dockerfile", *rule.covers]},
    }


def _result(finding: Finding) -> dict[str, Any]:
    return {
        "ruleId": finding.rule,
        "ruleIndex": _INDEX[finding.rule],
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.message}. Why: {finding.why}. Repair: {finding.repair}"},
        "locations": [_location(finding.span)],
        "relatedLocations": [
            {"id": number, **_location(related.span), "message": {"text": related.text}}
            for number, related in enumerate(finding.related, start=1)
        ],
        "partialFingerprints": {"twinbuild/v1": _fingerprint(finding)},
    }


def _location(span: Span) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(span.file)},
            "region": {
                "startLine": span.line,
                "startColumn": span.column,
                "endLine": span.last_line,
                # SARIF's end column is the one behind the last character.
                "endColumn": span.last_column + 1,
            },
        }
    }


def _uri(file: str) -> str:
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def _fingerprint(finding: Finding) -> str:
    """Return what stays the same when lines are added above: rule, file and what is said."""
    return hashlib.sha256(
        f"{finding.rule}\0{finding.span.file}\0{finding.message}".encode("utf-8", "replace")
    ).hexdigest()
