"""The run around a stage: its engine, its workspace, its environment, and whom it tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.smoke.peers.file import NO_PEERS, PeerFiles

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping
    from pathlib import Path

    from orchestrator.engine.docker import Engine
    from orchestrator.engine.hold import Hold
    from orchestrator.events import Emit
    from orchestrator.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What stages need of the run around them.

    Attributes:
        independent: whether nothing that one build compiled may be used by the other.
        hold: keeps the candidate from other runs; None where there are none.
    """

    engine: Engine
    workspace: Workspace
    labels: Mapping[str, str]
    logs: Path
    environment: Mapping[str, str]
    emit: Emit
    cancel: threading.Event
    peers: PeerFiles = NO_PEERS
    """What other tools' files expect of the image."""
    independent: bool = False
    hold: Hold | None = None
