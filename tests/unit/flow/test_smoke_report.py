"""What `invoke smoke --repeat` says of an image that sometimes fails to start."""

from __future__ import annotations

from orchestrator.flow.smoke import _report
from orchestrator.report.smoke_text import render_smoke
from orchestrator.report.style import Style
from orchestrator.smoke.settings import SmokeSettings
from orchestrator.smoke.transcript import Line, Transcript

PLAN = SmokeSettings.model_validate_json('{"ready": {"log": "ready"}}')


def run(ready: float | None) -> Transcript:
    """Return a run that was ready after so many seconds, or that ended before it was."""
    text = "no luck" if ready is None else "ready"
    return Transcript(
        side="image",
        ready_after=ready,
        waiting={},
        files={},
        exit_code=3 if ready is None else 0,
        ended_by_itself=ready is None,
        stop_signal=None if ready is None else "SIGTERM",
        stop_seconds=None if ready is None else 0.1,
        lines=(Line(stream="stdout", text=text, at=0.1),),
        line_count=1,
    )


def test_a_flaky_start_is_refused_and_counted() -> None:
    """One failure in five refuses the image; times are those of the runs that have them, and a failed run is shown."""
    report = _report("shop:dev", "sha256:1", PLAN, [run(0.3), run(None), run(0.2), run(0.9), run(0.4)], None)
    assert not report.passed
    assert dict(report.causes) == {"exited-early": 1}
    assert report.ready is not None
    assert (report.ready.least, report.ready.most) == (0.2, 0.9)
    assert report.ready.median == (0.3 + 0.4) / 2
    assert [each["check"]["status"] for each in report.to_json()["runs"]].count("passed") == 4
    spreads = {"ready": report.ready, "stop": report.stop}
    text = render_smoke("shop:dev", report.results, Style(width=100), spreads=spreads)
    assert "with exit code 3, after 1 line" in text
    assert "4 of 5 runs passed\n    1 x exited-early" in text
    assert "ready  0.20 / 0.35 / 0.90 s (least, median, most)" in text
    assert "REFUSED" in text
