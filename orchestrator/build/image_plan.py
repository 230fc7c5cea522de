"""What is built in the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from orchestrator.dockerfile.model import Dockerfile
    from orchestrator.engine.build_watch import Limits
    from orchestrator.source.snapshot import SourceFile


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePlan:
    """What is built in the engine.

    Attributes:
        tree, files: the laid-out snapshot.
        context: the context's folder, relative to the tree.
        dockerfile: what is planned with; `path` is the place of the user's, relative to the tree.
        hardened: the text that is sent instead.
        target: the shipped stage.
        arguments: build arguments.
        builder: (stage index, path) of the program in the stage that builds it; None where it cannot be traced.
        binary: the program's path in the shipped image.
        epoch: the time stamp of the candidate's own layers and configuration.
        base_layers: diff ids of the layers of the shipped image's base.
        base_id: that base; None where the image begins with nothing, or the base is not known.
        offline: whether RUN steps have no network.
        independent: whether nothing is taken over from an image that was made before.
        witnessed: whether RUN steps have the guard's files, which witness calls of cargo.
        leftovers: whether what the build host left in layers stays (`keep`) or goes (`remove`).
    """

    tree: Path
    files: Sequence[SourceFile]
    context: str
    dockerfile: Dockerfile
    path: str
    hardened: str
    target: str | None
    arguments: Mapping[str, str]
    builder: tuple[int, str] | None
    binary: str
    epoch: int
    base_layers: Sequence[str]
    base_id: str | None
    limits: Limits
    witnessed: bool = True
    leftovers: str = "keep"
    offline: bool = False
    independent: bool = False
