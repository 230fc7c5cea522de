"""A lint as workflow commands, which GitHub shows as annotations of a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Severity
from orchestrator.report.untrusted import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.rules.rule import Finding
    from orchestrator.report.lint_report import LintReport
    from orchestrator.report.style import Style

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.HINT: "notice"}


def render(report: LintReport, _style: Style) -> str:
    """Return one command a finding; nothing where there is none."""
    lines = [_command(finding) for finding in report.findings]
    lines += [
        f"::error file={_property(file.file)},title=not read::{_data(file.failure[1])}"
        for file in report.files
        if file.failure is not None
    ]
    return "".join(f"{line}\n" for line in lines)


def _command(finding: Finding) -> str:
    span = finding.span
    properties = {
        "file": span.file,
        "line": str(span.line),
        "endLine": str(span.last_line),
        **_columns(finding),
        "title": finding.rule,
    }
    text = f"{finding.message}\n\nWhy: {finding.why}\n\nRepair: {finding.repair}"
    said = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_COMMANDS[finding.severity]} {said}::{_data(text)}"


def _columns(finding: Finding) -> dict[str, str]:
    """Return the columns; GitHub takes them for a single line only."""
    span = finding.span
    if span.line != span.last_line:
        return {}
    return {"col": str(span.column), "endColumn": str(span.last_column)}


def _data(text: str) -> str:
    return "".join(_escaped(visible(text), {"%": "%25", "\r": "%0D", "\n": "%0A"}))


def _property(text: str) -> str:
    table = {"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"}
    return "".join(_escaped(visible(text), table))


def _escaped(text: str, table: dict[str, str]) -> Iterator[str]:
    return (table.get(letter, letter) for letter in text)
