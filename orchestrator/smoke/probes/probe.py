"""What a probe is: a slice of the spec that can say whether the program is up, and what it saw if not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from orchestrator.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.engine.image_facts import ImageFacts
    from orchestrator.engine.insight import HealthFacts
    from orchestrator.smoke.output import Output


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look showed.

    Attributes:
        holds: the probe is satisfied.
        saw: what was seen instead, as the end of a sentence; empty where it holds.
        hopeless: it will never hold, so nobody needs to go on waiting.
    """

    holds: bool
    saw: str = ""
    hopeless: bool = False


class Target(Protocol):
    """The running program as probes see it. Every method also works while it ends."""

    @property
    def output(self) -> Output:
        """What it has printed so far."""

    def exchange(self, port: int, request: bytes, *, timeout: float) -> bytes:
        """Connect to one of its ports, send, and return what came back within `timeout` seconds.

        An empty request only connects.

        Raises:
            OSError: no connection, or it broke before anything came.
        """

    def exists(self, path: str) -> bool | None:
        """Return whether a file is there; None where that cannot be told."""

    def health(self) -> HealthFacts | None:
        """Return what the image's HEALTHCHECK says; None where there is none."""

    def execute(self, command: Sequence[str], *, timeout: float) -> tuple[int, str] | None:
        """Run a command beside it; return (exit code, output), None where it did not end in time."""


class Probe(Settings):
    """The base of every probe. One file each in this package, and one line in its `__init__.py`."""

    interval: ClassVar[float] = 0.25
    """Seconds between two looks."""

    needs_network: ClassVar[bool] = False
    """Whether the program must be reachable from outside of its container."""

    only_image: ClassVar[bool] = False
    """Whether it can be asked of a container alone, not of a program on the host."""

    def look(self, target: Target) -> Look:
        """Look once; may take up to a second."""
        raise NotImplementedError

    def sought(self) -> str:
        """Return what is waited for, as the object of a sentence."""
        raise NotImplementedError

    def lacks(self, _image: ImageFacts) -> str | None:
        """Return what the image lacks so that this can never hold; None where nothing is known to be lacking."""
        return None
