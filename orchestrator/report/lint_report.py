"""What a lint found, over all its files; the value that every lint format is a pure function of."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, cast

from orchestrator.dockerfile.rules.rule import Severity
from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from orchestrator.dockerfile.rules.rule import Finding
    from orchestrator.report.style import Style

FORMATS = {"text": "lint_text", "json": "lint_json", "sarif": "lint_sarif", "github": "lint_github"}
"""Module by name of the format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LintedFile:
    """One Dockerfile.

    Attributes:
        file: its path for people.
        findings: by place.
        ignored: findings that a comment took out.
        sources: text by file, of the Dockerfile and of scripts that were read with it.
        failure: (exit code, message) where it cannot be read; None otherwise.
    """

    file: str
    findings: tuple[Finding, ...]
    ignored: int
    sources: Mapping[str, str]
    failure: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LintReport:
    """All files of a lint."""

    files: tuple[LintedFile, ...]

    @property
    def findings(self) -> Iterator[Finding]:
        """Yield every finding."""
        return (finding for file in self.files for finding in file.findings)

    @property
    def counts(self) -> Mapping[Severity, int]:
        """Return how many findings there are of each severity."""
        return Counter(finding.severity for finding in self.findings)

    @property
    def exit_code(self) -> int:
        """Return 0 without errors, 1 with some, and the failure's own code where a file could not be read."""
        failed = [file.failure[0] for file in self.files if file.failure is not None]
        return failed[0] if failed else 1 if self.counts[Severity.ERROR] else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """What `--fix` makes.

    Attributes:
        diff: unified, of all files.
        written: files that were changed; empty without `--write`.
        left: builds that are left to a person, with the reason.
        report: a lint of the files as they are now.
    """

    diff: str
    written: tuple[str, ...]
    left: tuple[str, ...]
    report: LintReport


def render_fix(fix: Fix, style: Style) -> str:
    """Return the diff, and what to do with it."""
    from orchestrator.report.lint_text import render_fix as made  # noqa: PLC0415 - loaded with its format

    return made(fix, style)


def render_rules(style: Style) -> str:
    """Return the rules, one a line."""
    from orchestrator.report.lint_text import render_rules as made  # noqa: PLC0415 - loaded with its format

    return made(style)


def render_lint(report: LintReport, form: str, style: Style) -> str:
    """Return a lint as a report in a format.

    Raises:
        UsageError: there is no such format.
    """
    module = FORMATS.get(form)
    if module is None:
        near = get_close_matches(form, FORMATS, n=1)
        raise UsageError(
            f"there is no lint format {form!r}, expected one of {', '.join(FORMATS)}"
            + (f"; did you mean {near[0]}?" if near else "")
        )
    made = cast("Callable[[LintReport, Style], str]", import_module(f"orchestrator.report.{module}").render)
    return made(report, style)


def page_of(rule: str) -> str:
    """Return the rule's page in this repository."""
    return f"docs/reference/rules/{re.sub(r'[^a-z-]', '', rule)}.md"
