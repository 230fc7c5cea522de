"""The smoke run of one image on one screen: the check, its evidence, and the spread over several runs."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Protocol

from orchestrator.report.untrusted import visible
from orchestrator.verdict import Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from orchestrator.report.style import Style
    from orchestrator.verdict import CheckResult


class Spread(Protocol):
    """A time over several runs, in seconds."""

    @property
    def least(self) -> float:
        """The shortest."""

    @property
    def median(self) -> float:
        """The middle one."""

    @property
    def most(self) -> float:
        """The longest."""


def render_smoke(
    image: str,
    results: Sequence[CheckResult],
    style: Style,
    *,
    spreads: Mapping[str, Spread | None],
    loadable: CheckResult | None = None,
    removal: str | None = None,
) -> str:
    """Return the screen.

    Args:
        image: as asked for.
        results: one for each run.
        style: of the terminal.
        spreads: times by their name.
        loadable: what stands in the way of a start, where something does.
        removal: the command that removes the container that was kept.
    """
    failed = [result for result in results if result.status is not Status.PASSED]
    lines = list(_result((failed or list(results))[0], style))
    if loadable is not None:
        lines += _result(loadable, style)
    if len(results) > 1:
        lines += [f"  {line}" for line in _distribution(results, spreads)]
    if removal is not None:
        lines += ["", "  the container was kept, with its files (`docker cp`); remove it with", f"    {removal}"]
    shown = visible(image)
    word = style.paint("PASSED", "green") if not failed else style.paint("REFUSED", "red")
    lines += ["", f"{word}  {shown}"]
    if failed:
        leading = loadable or failed[0]
        lines.append(f"  cause     {leading.cause}")
        lines += _wrapped("  repair    ", visible(leading.repair or ""), style)
    return "".join(f"{style.shown(line)}\n" for line in lines)


def _result(result: CheckResult, style: Style) -> Iterator[str]:
    passed = result.status is Status.PASSED
    sign = style.paint(style.sign("✓" if passed else "✗"), "green" if passed else "red")
    first, *rest = _wrapped(f" {result.id:8} ", visible(result.message), style)
    yield f"{sign}{first}"
    yield from (f" {line}" for line in rest)
    for fact in result.evidence:
        for line in visible(f"{fact.label}: {fact.value}").splitlines():
            yield style.paint(style.cut(f"      {line}", style.width), "dim")


def _distribution(results: Sequence[CheckResult], spreads: Mapping[str, Spread | None]) -> Iterator[str]:
    passed = sum(result.status is Status.PASSED for result in results)
    yield f"{passed} of {len(results)} runs passed"
    causes = [result.cause for result in results if result.cause]
    yield from (f"  {causes.count(cause)} x {cause}" for cause in dict.fromkeys(causes))
    for name, spread in spreads.items():
        if spread is not None:
            yield f"{name:6} {spread.least:.2f} / {spread.median:.2f} / {spread.most:.2f} s (least, median, most)"


def _wrapped(label: str, text: str, style: Style) -> list[str]:
    lines = textwrap.wrap(text, max(20, style.width - len(label) - 1), break_on_hyphens=False) or [""]
    return [f"{label if number == 0 else ' ' * len(label)}{line}" for number, line in enumerate(lines)]
