"""What the RUN steps of a build have sent and received, as the engine's bridge counts it.

BuildKit gives each RUN step a network of its own: a port of the engine's default bridge, which comes and goes with the
step and counts what passes. Nothing in the step is changed for it, so it is told of steps that have no call of cargo,
too. A port says nothing of whose it is but when it was there; where two steps or two builds fit, nothing is told.

Nothing is told either where the engine's bridge is not this machine's: rootless and remote engines, virtual machines.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.engine.faults import engine_faults
from orchestrator.errors import NoVerdictError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from orchestrator.engine.docker import Engine

_LOOK_SECONDS = 0.05
"""What a step sends between the last look and its end is not seen: a port takes its counters along."""
_BEFORE_SECONDS = 0.1
"""How much before its step a port may be seen: the two clocks are one, but the engine notes the time when it can."""
_LOST_SECONDS = 0.5
_LATE_SECONDS = 3.0
"""How long before the end of its step a port may be seen last, on a busy machine, and how long after it: it is taken
down afterwards."""
_CHATTER = 1000
"""Bytes that a network with IPv6 may send by itself: neighbour and router discovery, reports of multicast groups."""
_DEVICES, _BRIDGES = Path("/proc/net/dev"), Path("/sys/class/net")


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What a step has sent and received; bytes, with the headers of all layers."""

    sent: int
    received: int

    def __add__(self, other: Traffic) -> Traffic:
        """Return what both have sent and received."""
        return Traffic(sent=self.sent + other.sent, received=self.received + other.received)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """When a step ran; seconds since the epoch."""

    step: str
    began: float
    ended: float


@dataclass(slots=True, kw_only=True)
class Port:
    """A port of the bridge. `first`, `last`: when it was seen, seconds since the epoch."""

    first: float
    last: float
    traffic: Traffic


class Counted:
    """The ports that were there while a build went on."""

    def __init__(self) -> None:
        self._ports: list[Port] = []
        self._chatter = 0

    def of(self, ran: Iterable[Ran]) -> dict[str, Traffic]:
        """Return what each of these steps has sent and received; those that have sent nothing are left out."""
        told = traffic_of(tuple(ran), tuple(self._ports))
        return {step: traffic for step, traffic in told.items() if traffic.sent > self._chatter}

    def look_until(self, over: threading.Event, engine: Engine) -> None:
        """Look at the ports until the build is over; steps out of the cache are done before the first look."""
        if over.wait(_LOOK_SECONDS):
            return
        bridge = None
        with suppress(NoVerdictError):
            bridge = _bridge(engine)
        if bridge is None or not bridge.ports.is_dir():
            return
        self._chatter = _CHATTER if bridge.chatters else 0
        seen: dict[str, Port] = {}
        while not over.wait(_LOOK_SECONDS):
            self._look(bridge.ports, seen)

    def _look(self, ports: Path, seen: dict[str, Port]) -> None:
        now, there = time.time(), device_traffic(_DEVICES.read_text(encoding="ascii", errors="replace"))
        for name in seen.keys() - there.keys():
            del seen[name]
        for name, traffic in there.items():
            port = seen.get(name)
            if port is not None:
                port.last, port.traffic = now, traffic
            elif (ports / name).exists():
                seen[name] = Port(first=now, last=now, traffic=traffic)
                self._ports.append(seen[name])


@contextmanager
def counted(engine: Engine) -> Iterator[Counted]:
    """Let a thread look at the ports of the engine's bridge until the end of the block."""
    over, found = threading.Event(), Counted()
    thread = threading.Thread(target=found.look_until, args=(over, engine), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def device_traffic(text: str) -> dict[str, Traffic]:
    """Return what passed each device that `/proc/net/dev` names, as the other end of a port sees it."""
    found = {}
    for line in text.splitlines():
        name, colon, counters = line.partition(":")
        numbers = counters.split()
        if colon and len(numbers) > 8 and numbers[0].isdigit() and numbers[8].isdigit():  # noqa: PLR2004 - proc(5)
            found[name.strip()] = Traffic(sent=int(numbers[0]), received=int(numbers[8]))
    return found


def traffic_of(steps: Sequence[Ran], ports: Sequence[Port]) -> Mapping[str, Traffic]:
    """Return what passed the port of each step, for those to which one port belongs and to no other step."""
    fitting = {n: {step.step for step in steps if _fits(port, step)} for n, port in enumerate(ports)}
    told: dict[str, Traffic] = {}
    while True:
        alone = {n: next(iter(fits)) for n, fits in fitting.items() if len(fits) == 1}
        # A step that two ports fit alone has one of another build's beside its own.
        settled = {n: step for n, step in alone.items() if list(alone.values()).count(step) == 1}
        if not settled:
            return told
        told |= {step: ports[n].traffic for n, step in settled.items()}
        fitting = {n: fits - told.keys() for n, fits in fitting.items() if n not in settled}


def _fits(port: Port, step: Ran) -> bool:
    begins = step.began - _BEFORE_SECONDS <= port.first <= step.ended
    return begins and step.ended - _LOST_SECONDS <= port.last <= step.ended + _LATE_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bridge:
    ports: Path
    chatters: bool


def _bridge(engine: Engine) -> _Bridge | None:
    with engine_faults("asking for the bridge"):
        found = engine.api.inspect_network("bridge")
    name = (found.get("Options") or {}).get("com.docker.network.bridge.name")
    if not name or "/" in name:
        return None
    return _Bridge(ports=_BRIDGES / name / "brif", chatters=bool(found.get("EnableIPv6")))
