"""Offers that nobody has used for long go; those that are in use, or whose use is not known, stay."""

from __future__ import annotations

from typing import Any

from orchestrator.build.offers import unused
from orchestrator.engine.image_facts import image_facts

NOW = 1_796_100_000.0
"""2026-12-01."""


def image(time: str | None, *tags: str) -> Any:
    """Return an image as the engine tells it."""
    names = [f"twinbuild.local/dependencies:{tag}" if ":" not in tag else tag for tag in tags]
    return image_facts({"Id": "sha256:1", "RepoTags": names, "Metadata": {"LastTagTime": time}})


def test_what_is_unused_for_two_weeks_goes() -> None:
    """Only tags of offers, and none that this project keeps."""
    images = [
        image("2026-11-30T23:59:59.123456789Z", "used"),
        image("2026-11-01T08:00:00.276115157Z", "old", "kept", "user/app:1"),
        image("2026-11-01T08:00:00+01:00", "old-too"),
        image("0001-01-01T00:00:00Z", "never"),
        image(None, "unknown"),
        image("soon", "odd"),
    ]
    kept = ["twinbuild.local/dependencies:kept"]
    found = [tag.partition(":")[2] for tag in unused(images, kept=kept, now=NOW)]
    assert found == ["old", "old-too"]
