"""A lint on the screen: what, where, why and the repair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.dockerfile.lint import ALL_RULES
from orchestrator.dockerfile.rules.rule import Severity
from orchestrator.report.untrusted import one_line, visible
from orchestrator.report.width import columns, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.rules.rule import Finding
    from orchestrator.report.lint_report import Fix, LintedFile, LintReport
    from orchestrator.report.style import Style

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.HINT: "dim"}
_PLURALS = {Severity.ERROR: "errors", Severity.WARNING: "warnings", Severity.HINT: "hints"}
_INDENT = "  "
_LABEL = 8


def render(report: LintReport, style: Style) -> str:
    """Return every finding with its source line, and one line that sums up."""
    blocks = []
    for file in report.files:
        blocks += [list(_finding(finding, file, style)) for finding in file.findings]
        if file.failure is not None:
            blocks.append(list(_failure(file, style)))
    blocks.append([_summary(report, style)])
    text = "\n\n".join("\n".join(block) for block in blocks)
    return style.shown(text) + "\n"


def render_fix(fix: Fix, style: Style) -> str:
    """Return the diff in colours, what was done, and what is left to do."""
    colours = {"+": "green", "-": "red", "@": "dim"}
    lines = []
    for line in fix.diff.splitlines():
        painted = line[:1] in colours and not line.startswith(("+++", "---"))
        lines.append(style.paint(visible(line), colours[line[0]]) if painted else visible(line))
    if lines:
        lines.append("")
    for reason in fix.left:
        lines += _labelled("left", reason, style)
    if fix.written:
        names = ", ".join(visible(name) for name in fix.written)
        lines += wrap(
            f"written: {names}; build it with `--no-cache` once, and look at the diff before you commit", style.width
        )
    elif fix.diff:
        lines.append("nothing is changed yet: `invoke lint --fix --write` writes this")
    else:
        lines.append("no build is surely left with stubs: there is nothing to fix")
    lines.append(_summary(fix.report, style))
    return style.shown("\n".join(lines)) + "\n"


def render_rules(style: Style) -> str:
    """Return each rule with its severity and what it looks for."""
    width = max(len(rule.id) for rule in ALL_RULES) + 2
    lines = []
    for rule in ALL_RULES:
        severity = style.paint(f"{rule.severity:8}", _COLOURS[rule.severity])
        for number, part in enumerate(wrap(rule.summary, style.width - width - 10)):
            lines.append(f"{severity} {rule.id:{width}}{part}" if number == 0 else " " * (width + 9) + part)
    return style.shown("\n".join(lines)) + "\n"


def _finding(finding: Finding, file: LintedFile, style: Style) -> Iterator[str]:
    yield from _head(finding, style)
    yield from _excerpt(finding, file, style)
    yield from _labelled("why", finding.why, style)
    yield from _labelled("repair", finding.repair, style)
    for related in finding.related:
        where = f"line {related.span.line}"
        if related.span.file != finding.span.file:
            where = str(related.span.location)
        yield from _labelled("see", f"{where}: {related.text}", style)


def _head(finding: Finding, style: Style) -> Iterator[str]:
    """Yield `Dockerfile:12:5: error rule: message`; the place stays in one piece wherever the width allows."""
    place, message = visible(str(finding.span.location)), visible(finding.message)
    head = f"{place}: {finding.severity} {finding.rule}:"
    if columns(head) > style.width:
        lines = wrap(f"{head} {message}", style.width - len(_INDENT))
        yield from (line if number == 0 else _INDENT + line for number, line in enumerate(lines))
        return
    painted = style.paint(str(finding.severity), _COLOURS[finding.severity])
    shown = f"{style.paint(place, 'bold')}: {painted} {finding.rule}:"
    fitting: list[str] = []
    for word in message.split():
        if columns(" ".join([head, *fitting, word])) > style.width:
            break
        fitting.append(word)
    yield " ".join([shown, *fitting])
    left = message.split()[len(fitting) :]
    yield from (_INDENT + line for line in (wrap(" ".join(left), style.width - len(_INDENT)) if left else ()))


def _excerpt(finding: Finding, file: LintedFile, style: Style) -> Iterator[str]:
    """Yield the source line with the stretch marked below it."""
    lines = file.sources.get(finding.span.file, "").split("\n")
    if not 0 < finding.span.line <= len(lines):
        return
    raw = lines[finding.span.line - 1]
    before = visible(raw[: finding.span.column - 1])
    text = visible(raw)
    number = f"{finding.span.line:>5} "
    room = style.width - columns(number) - 3
    start = columns(before)
    offset = max(0, start - room // 2) if start > room - 10 else 0
    shown = style.cut(text[offset:], room)
    last = finding.span.last_column if finding.span.last_line == finding.span.line else len(raw)
    width = max(1, columns(visible(raw[finding.span.column - 1 : last])))
    marked = " " * (start - offset) + "^" * max(1, min(width, columns(shown) - (start - offset)))
    bar = style.sign("│")
    yield style.paint(f"{number}{bar} {shown}", "dim")
    yield style.paint(f"{'':{len(number)}}{bar} ", "dim") + style.paint(marked, _COLOURS[finding.severity])


def _labelled(label: str, text: str, style: Style) -> Iterator[str]:
    room = style.width - _LABEL - len(_INDENT) - 1
    for number, line in enumerate(wrap(visible(text), room)):
        yield f"{_INDENT}{label if number == 0 else '':{_LABEL}}{line}"


def _failure(file: LintedFile, style: Style) -> Iterator[str]:
    code, message = file.failure or (0, "")
    yield f"{style.paint('NOT READ', 'yellow')}  {one_line(file.file)} (exit code {code})"
    yield from _labelled("what", message, style)


def _summary(report: LintReport, style: Style) -> str:
    parts = [
        f"{count} {_PLURALS[severity] if count != 1 else severity}"
        for severity in Severity
        if (count := report.counts[severity])
    ]
    ignored = sum(file.ignored for file in report.files)
    files = "1 file" if len(report.files) == 1 else f"{len(report.files)} files"
    also = f", {ignored} ignored with a reason" if ignored else ""
    unread = sum(file.failure is not None for file in report.files)
    if not parts and not unread:
        sign = style.paint(style.sign("✓"), "green")
        # Which file that was, nobody has said who named none.
        files = visible(report.files[0].file) if len(report.files) == 1 else files
        return f"{sign} {files}: no hazard that can be seen without building{also}"
    also += f", {unread} not read" if unread else ""
    worst = "red" if report.counts[Severity.ERROR] else "yellow"
    found = ", ".join(parts) or "no findings"
    return f"{style.paint(found, worst)} in {files}{also}"
