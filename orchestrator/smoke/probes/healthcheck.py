"""The program is up once the image's own HEALTHCHECK says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from orchestrator.smoke.probes.probe import Look, Probe

if TYPE_CHECKING:
    from orchestrator.engine.image_facts import ImageFacts
    from orchestrator.smoke.probes.probe import Target


class HealthcheckProbe(Probe):
    """The image's HEALTHCHECK, run once a second whatever interval it has; its other numbers are kept."""

    interval: ClassVar[float] = 0.1
    only_image: ClassVar[bool] = True

    def look(self, target: Target) -> Look:
        """Ask the engine what the last check said."""
        health = target.health()
        if health is None:
            return Look(holds=False, saw="the engine knows of no check")
        output = f": {health.output[:400]}" if health.output else ""
        return Look(
            holds=health.status == "healthy",
            saw=f"it is {health.status}{output}",
            hopeless=health.status == "unhealthy",
        )

    def sought(self) -> str:
        """Return what is waited for."""
        return "the image's HEALTHCHECK"

    def lacks(self, image: ImageFacts) -> str | None:
        """Say so where the image has no HEALTHCHECK."""
        if image.healthcheck is None or image.healthcheck[0] == "NONE":
            return "`smoke.ready.healthcheck` waits for the image's HEALTHCHECK, and the image has none"
        return None
