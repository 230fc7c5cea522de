"""All rules over one Dockerfile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.dockerfile.ignore_comments import IGNORE_RULES, apply_ignores
from orchestrator.dockerfile.rules import RULES
from orchestrator.dockerfile.timeline.read import read_timeline
from orchestrator.dockerfile.triggers import settled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.dockerfile.model import Dockerfile
    from orchestrator.dockerfile.rules.rule import Finding
    from orchestrator.dockerfile.timeline.project import BuildContext
    from orchestrator.dockerfile.timeline.read import Timeline

ALL_RULES = (*RULES, *IGNORE_RULES)
"""Every rule that a finding can name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LintResult:
    """What the rules say of one Dockerfile.

    Attributes:
        findings: by file and place.
        ignored: how many an ignore comment took out.
    """

    timeline: Timeline
    findings: tuple[Finding, ...]
    ignored: int


def lint_dockerfile(
    dockerfile: Dockerfile, *, context: BuildContext | None, arguments: Mapping[str, str]
) -> LintResult:
    """Run every rule.

    Args:
        dockerfile: parsed.
        context: the project that it is built with; None where that is not known. Rules that need it are silent then.
        arguments: build arguments.
    """
    timeline = read_timeline(settled(dockerfile, None), context=context, arguments=arguments)
    found = {finding: None for rule in RULES for finding in rule.check(timeline)}
    left, ignored = apply_ignores(list(found), timeline)
    own = dockerfile.file
    ordered = sorted(
        left, key=lambda each: (each.span.file != own, each.span.file, each.span.line, each.span.column, each.rule)
    )
    return LintResult(timeline=timeline, findings=tuple(ordered), ignored=ignored)
