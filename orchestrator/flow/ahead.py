"""What is begun before its turn, while one of the builds still goes on, so that a run's end has less to wait for."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from orchestrator.errors import NoVerdictError
from orchestrator.flow.foresee import read_of_base
from orchestrator.flow.loading import loading_known, read_loading
from orchestrator.flow.runs import Begun, begin_runs

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

    from orchestrator.binary.loading import LoadFacts
    from orchestrator.build.image import ImageBuild
    from orchestrator.build.local import LocalBuild
    from orchestrator.flow.prepare import Prepared
    from orchestrator.flow.surroundings import Surroundings
    from orchestrator.spec.model import BuildSpec

WORKERS = 3
"""Threads for it: two runs, and what is read meanwhile. All of them mostly wait for the engine or for a program."""


@dataclass(slots=True, kw_only=True)
class Ahead:
    """What was begun; each is None where it was not.

    Attributes:
        pool: where it goes on.
        runs: the smoke runs for an image that was done first.
        loading: what starting that image takes.
    """

    pool: Executor
    runs: Begun | None = None
    loading: Future[LoadFacts] | None = None
    _image_is_done: bool = field(default=False, init=False)

    def image_done(self, image: ImageBuild, spec: BuildSpec, prepared: Prepared, around: Surroundings) -> None:
        """Look at the image and run it and its program while the host, which gives way by now, still compiles."""
        self._image_is_done = True
        with suppress(NoVerdictError):  # said when it is asked for again
            candidate = around.engine.image(image.candidate_id)
            if candidate is None:
                return
            self.runs = begin_runs(candidate, image, spec, around, pool=self.pool)
            if loading_known(candidate, spec, around=around) is None:
                base = prepared.image.base_layers
                read = partial(read_loading, candidate, spec, image, base=base, around=around)
                self.loading = self.pool.submit(read)

    def host_done(self, local: LocalBuild, prepared: Prepared, around: Surroundings) -> None:
        """Look at the base while the image is still being built; the image itself is looked at as quickly then."""
        if not self._image_is_done:
            self.pool.submit(read_of_base, prepared.image, local.artifact.path, around=around)
