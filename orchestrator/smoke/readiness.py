"""Waiting until every probe has held, or until one of them, the program's end or the clock says that it never will."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.errors import NoVerdictError
from orchestrator.smoke.probes.probe import Look

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from orchestrator.smoke.probes import Probe, Target

_NAP = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """How the waiting ended.

    Attributes:
        after: seconds from the start until the last probe held; None where one never did.
        waiting: what was last seen of each probe that did not hold, by its key.
        hopeless: a probe said that it will never hold.
    """

    after: float | None
    waiting: Mapping[str, str] = field(default_factory=dict)
    hopeless: bool = False


def await_ready(
    target: Target, probes: Mapping[str, Probe], *, within: float, over: Callable[[float], bool]
) -> Readiness:
    """Ask all probes at the same time until each has held once.

    Args:
        target: the running program.
        probes: by their key.
        within: seconds until the waiting is given up.
        over: waits so many seconds for whatever else ends the waiting, and says whether it has come. It may raise.

    Raises:
        NoVerdictError: the engine went away.
    """
    deadline = time.monotonic() + within
    done = threading.Event()
    watchers = {name: _Watcher(probe, target, done) for name, probe in probes.items()}
    try:
        while not all(watcher.look.holds for watcher in watchers.values()):
            for watcher in watchers.values():
                watcher.complain()
            hopeless = any(watcher.look.hopeless for watcher in watchers.values())
            if over(_NAP) or hopeless or time.monotonic() > deadline:
                waiting = {name: watcher.look.saw for name, watcher in watchers.items() if not watcher.look.holds}
                # What holds at the very end of the program counts: its last line may be the one that was waited for.
                return _settled(watchers, waiting, target, hopeless=hopeless)
        return Readiness(after=max((watcher.held_after for watcher in watchers.values()), default=0.0))
    finally:
        done.set()


def _settled(
    watchers: Mapping[str, _Watcher], waiting: Mapping[str, str], target: Target, *, hopeless: bool
) -> Readiness:
    still = {name: saw for name, saw in waiting.items() if not (name == "log" and target.output.found.is_set())}
    if still or not waiting:
        return Readiness(after=None, waiting=still, hopeless=hopeless)
    return Readiness(after=max(watcher.held_after for watcher in watchers.values()))


class _Watcher:
    """A probe that is asked again and again, by a thread of its own: an attempt may take a second."""

    def __init__(self, probe: Probe, target: Target, done: threading.Event) -> None:
        self._probe, self._target, self._done = probe, target, done
        self._error: NoVerdictError | None = None
        self.look = Look(holds=False, saw="the first look has not come to its end")
        self.held_after = 0.0
        threading.Thread(target=self._watch, daemon=True).start()

    def complain(self) -> None:
        """Raise what the thread met."""
        if self._error is not None:
            raise self._error

    def _watch(self) -> None:
        while not self._done.is_set():
            try:
                look = self._probe.look(self._target)
            except NoVerdictError as error:
                # Once nobody waits any more, the container may be gone already.
                if not self._done.is_set():
                    self._error = error
                return
            self.held_after = self._target.output.elapsed()
            self.look = look
            if look.holds or look.hopeless:
                return
            self._done.wait(self._probe.interval)
