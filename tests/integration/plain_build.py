"""An image build of the tests' own: the engine's, with nothing of the tool's in it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from orchestrator.engine.build_watch import Limits
from orchestrator.engine.buildkit import solve

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.engine.docker import Engine


def plain_build(engine: Engine, context: Path, *, no_cache: bool = False, aside: bool = False) -> str:
    """Build the last stage of a Dockerfile and return the image; `no_cache`, `aside`: as `solve` has them."""
    solved = solve(
        engine,
        context,
        dockerfile="Dockerfile",
        target=None,
        arguments={},
        limits=Limits(step=120, silence=120),
        cancel=threading.Event(),
        on_step=lambda _step: None,
        on_log=lambda _step, _text: None,
        no_cache=no_cache,
        aside=aside,
    )
    return solved.image_id
