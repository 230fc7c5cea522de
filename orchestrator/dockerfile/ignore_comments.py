"""`# twinbuild ignore=RULE reason`: a finding that somebody has looked at, with the reason beside it."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules import RULES
from orchestrator.dockerfile.rules.rule import Finding, Rule, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from orchestrator.dockerfile.model import Dockerfile
    from orchestrator.dockerfile.spans import SourceText, Span
    from orchestrator.dockerfile.timeline.read import Timeline

_COMMENT = re.compile(rb"#[ \t]*twinbuild[ \t]+ignore[ \t]*=[ \t]*(?P<rules>[\w,-]*)(?P<reason>[^\n]*)")
_BLANK_OR_COMMENT = re.compile(r"\s*(?:#.*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoreComment:
    """One comment. `first`, `last`: the lines of the file that it speaks for."""

    rules: tuple[str, ...]
    reason: str
    span: Span
    first: int
    last: int

    def covers(self, finding: Finding) -> bool:
        """Return whether a finding is meant; without a reason none is."""
        return bool(
            self.reason
            and finding.rule in self.rules
            and finding.span.file == self.span.file
            and self.first <= finding.span.line <= self.last
        )


def apply_ignores(findings: Sequence[Finding], timeline: Timeline) -> tuple[list[Finding], int]:
    """Return (what is left, number of ignored findings); what is wrong with the comments themselves is added."""
    comments = list(_in_dockerfile(timeline.dockerfile, timeline.source))
    for script in timeline.scripts.values():
        comments += _in_script(script)
    used: set[tuple[Span, str]] = set()
    left = []
    for finding in findings:
        covering = [comment for comment in comments if comment.covers(finding)]
        used |= {(comment.span, finding.rule) for comment in covering}
        if not covering:
            left.append(finding)
    mistakes = [mistake for comment in comments for mistake in _mistakes(comment, used)]
    return [*left, *mistakes], len(findings) - len(left)


def _mistakes(comment: IgnoreComment, used: set[tuple[Span, str]]) -> Iterator[Finding]:
    known = [rule.id for rule in RULES]
    if not comment.reason or not comment.rules:
        yield Finding(
            rule=WITHOUT_REASON.id,
            severity=Severity.ERROR,
            span=comment.span,
            message="this ignore comment gives no reason" if comment.rules else "this ignore comment names no rule",
            why="it ignores nothing: whoever reads it next could not tell whether it is still right",
            repair="# twinbuild ignore=RULE why this is no hazard here",
        )
        return
    for name in comment.rules:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            yield Finding(
                rule=UNKNOWN_RULE.id,
                severity=Severity.ERROR,
                span=comment.span,
                message=f"there is no rule {name!r}" + (f"; did you mean {close[0]}?" if close else ""),
                why="the comment ignores nothing",
                repair="`invoke lint --rules` lists the rules",
            )
        elif (comment.span, name) not in used:
            yield Finding(
                rule=UNUSED.id,
                severity=Severity.HINT,
                span=comment.span,
                message=f"nothing here needs the ignore of {name}",
                why="it would hide a finding that somebody adds later",
                repair="remove the comment",
            )


def _in_dockerfile(dockerfile: Dockerfile, source: SourceText) -> Iterator[IgnoreComment]:
    ranges = sorted(
        (instruction.line, instruction.last_line) for stage in dockerfile.stages for instruction in stage.instructions
    )
    ranges += [(stage.line, stage.line) for stage in dockerfile.stages]
    for match, line in _matches(source):
        inside = next(((first, last) for first, last in ranges if first <= line <= last), None)
        first, last = inside or min((each for each in ranges if each[0] > line), default=(line, line))
        yield _comment(match, source, first, last)


def _in_script(source: SourceText) -> Iterator[IgnoreComment]:
    lines = source.text.splitlines()
    for match, line in _matches(source):
        spoken = line
        if not lines[line - 1].split("#")[0].strip():
            following = range(line + 1, len(lines) + 1)
            spoken = next((n for n in following if not _BLANK_OR_COMMENT.fullmatch(lines[n - 1])), line)
        yield _comment(match, source, spoken, spoken)


def _matches(source: SourceText) -> Iterator[tuple[re.Match[bytes], int]]:
    for match in _COMMENT.finditer(source.content):
        yield match, source.content.count(b"\n", 0, match.start()) + 1


def _comment(match: re.Match[bytes], source: SourceText, first: int, last: int) -> IgnoreComment:
    groups: Mapping[str, bytes] = match.groupdict()
    return IgnoreComment(
        rules=tuple(name for name in groups["rules"].decode().split(",") if name),
        reason=groups["reason"].decode("utf-8", "replace").strip(" \t\r:-—"),
        span=source.span(match.start(), match.end()),
        first=first,
        last=last,
    )


def _nothing(_timeline: Timeline) -> Iterator[Finding]:
    """Return nothing: these findings come from the comments, after all rules have run."""
    return iter(())


WITHOUT_REASON = Rule(
    id="ignore-without-reason",
    severity=Severity.ERROR,
    covers=(),
    summary="`# twinbuild ignore=RULE` without a reason",
    check=_nothing,
)
UNKNOWN_RULE = Rule(
    id="ignore-unknown-rule",
    severity=Severity.ERROR,
    covers=(),
    summary="`# twinbuild ignore=…` of a rule that does not exist",
    check=_nothing,
)
UNUSED = Rule(
    id="ignore-unused",
    severity=Severity.HINT,
    covers=(),
    summary="`# twinbuild ignore=RULE` where the rule finds nothing",
    check=_nothing,
)
IGNORE_RULES = (WITHOUT_REASON, UNKNOWN_RULE, UNUSED)
