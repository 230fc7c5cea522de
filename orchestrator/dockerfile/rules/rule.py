"""What a Dockerfile rule is, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.dockerfile.spans import Span
    from orchestrator.dockerfile.timeline.read import Timeline


class Severity(StrEnum):
    """How sure a finding is. Only errors fail a lint."""

    ERROR = "error"
    """Certain from the text alone."""

    WARNING = "warning"
    """Likely; it depends on something that the text does not show."""

    HINT = "hint"
    """Right today, and fragile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """Another place that belongs to a finding, and what stands there."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a rule found.

    Attributes:
        rule: id of the rule.
        message: what is there, in one sentence.
        why: how that ships something that is not the program.
        repair: what to write instead.
    """

    rule: str
    severity: Severity
    span: Span
    message: str
    why: str
    repair: str
    related: tuple[Related, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule.

    Attributes:
        id: kebab-case; never changes, since ignore comments and SARIF consumers name it.
        severity: the worst that its findings have.
        covers: hazards that it sees, by their ids in docs/reference/rules/README.md.
        summary: what it looks for, in one line.
        check: yields findings of a timeline.
    """

    id: str
    severity: Severity
    covers: tuple[str, ...]
    summary: str
    check: Callable[[Timeline], Iterator[Finding]]
