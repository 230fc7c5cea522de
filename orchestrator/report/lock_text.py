"""What `invoke lock` says of the file that it wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.report.untrusted import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.report.style import Style


def render_lock(path: str, facts: str, changes: Sequence[str] | None, style: Style) -> str:
    """Return what was written, and each change.

    Args:
        path: the lock's.
        facts: what it holds, in one line.
        changes: against the lock that was there; None where there was none.
        style: what the terminal can show.
    """
    lines = [f"wrote {path}: {facts}"]
    if changes is not None:
        lines += [f"  {one_line(change)}" for change in changes] or ["  nothing has changed since it was last written"]
    return "".join(f"{style.shown(line)}\n" for line in lines)
