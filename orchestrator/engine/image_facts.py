"""An image's configuration, out of the engine's words for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_FRACTION = re.compile(r"\.\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """An image's configuration as the engine tells it.

    Attributes:
        id: what the engine calls it: its ID, or with containerd's image store the digest of its manifest (`store.py`).
        layers: diff ids, lowest first.
        entrypoint, command: empty where the image has none.
        environment: ENV in its order.
        healthcheck: the test as Docker writes it (`("CMD", "/bin/x")`), None where there is none.
        size: bytes of all layers.
        ports, volumes: what EXPOSE and VOLUME declare (`8080/tcp`, `/data`).
        triggers: ONBUILD instructions (`RUN cargo build`).
        tagged: when it was given a tag last, on this engine (seconds since 1970); None where that is not known.
    """

    id: str
    tags: tuple[str, ...]
    layers: tuple[str, ...]
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    environment: Mapping[str, str]
    working_directory: str
    user: str
    labels: Mapping[str, str]
    stop_signal: str | None
    healthcheck: tuple[str, ...] | None
    architecture: str
    os: str
    size: int
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    tagged: float | None = None


def image_facts(raw: Mapping[str, Any]) -> ImageFacts:
    """Return what `docker image inspect` gives, as a plain value."""
    config: Mapping[str, Any] = raw.get("Config") or {}
    return ImageFacts(
        id=raw["Id"],
        tags=tuple(raw.get("RepoTags") or ()),
        layers=tuple((raw.get("RootFS") or {}).get("Layers") or ()),
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        environment=dict(entry.partition("=")[::2] for entry in config.get("Env") or ()),
        working_directory=config.get("WorkingDir") or "/",
        user=config.get("User") or "",
        labels=dict(config.get("Labels") or {}),
        stop_signal=config.get("StopSignal"),
        healthcheck=tuple((config.get("Healthcheck") or {}).get("Test") or ()) or None,
        architecture=raw.get("Architecture") or "",
        os=raw.get("Os") or "",
        size=int(raw.get("Size") or 0),
        ports=tuple(config.get("ExposedPorts") or ()),
        volumes=tuple(config.get("Volumes") or ()),
        triggers=tuple(config.get("OnBuild") or ()),
        tagged=_seconds((raw.get("Metadata") or {}).get("LastTagTime")),
    )


def _seconds(text: object) -> float | None:
    """Return an engine's time stamp (`2026-12-01T03:48:44.276115157Z`, or with an offset) as seconds since 1970."""
    try:
        # Nanoseconds are more than `fromisoformat` of Python 3.11 takes.
        found = datetime.fromisoformat(_FRACTION.sub("", str(text))).timestamp()
    except (ValueError, OverflowError):
        return None
    # An image that was never given a tag has the year 1.
    return found if found > 0 else None
