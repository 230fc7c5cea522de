"""A run whose services did not do their part says nothing about the image: unknown, which shuts the gate as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.verdict import CheckResult, Evidence, Status

if TYPE_CHECKING:
    from orchestrator.smoke.transcript import Transcript

_SHOWN = 10
_SHOWN_LINE = 400


def service_fault(check: str, transcript: Transcript, *, remembered: bool = False) -> CheckResult | None:
    """Return the answer of a check where a service failed, with the service's own last words; None where none did."""
    failed = transcript.failed_service
    if failed is None:
        return None
    tail = [f"{line.stream}: {line.text[:_SHOWN_LINE]}" for line in failed.lines[-_SHOWN:]]
    beside = "the image" if transcript.side == "image" else "the host's program"
    return CheckResult(
        id=check,
        status=Status.UNKNOWN,
        cause="service-failed",
        message=f"the service {failed.name} ({failed.image}) failed beside {beside}, which can be judged no further: "
        f"{failed.problem}",
        evidence=(
            *(Evidence(label=f"last lines of {failed.name}", value=text) for text in tail),
            *(Evidence(label="service output", value="it printed nothing") for _ in ("",) if not tail),
        ),
        repair=f"see the service's last lines; correct `smoke.services.{failed.name}` (its command, environment, "
        "memory, or what `ready` waits for)",
        seconds=transcript.seconds,
        remembered=remembered,
    )
