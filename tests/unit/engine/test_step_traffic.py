"""Whose the ports of a bridge are, by when they were there."""

from __future__ import annotations

from orchestrator.engine.step_traffic import Port, Ran, Traffic, device_traffic, traffic_of

_DEVICES = """Inter-|   Receive                      |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier
    lo:    1000      10    0    0    0     0          0         0     1000      10    0    0    0     0       0
veth8aaec9a:21544  296    0    0    0     0          0         0 15807383     422    0    0    0     0       0
"""


def _port(first: float, last: float, sent: int) -> Port:
    return Port(first=first, last=last, traffic=Traffic(sent=sent, received=2 * sent))


def _ran(step: str, began: float, ended: float) -> Ran:
    return Ran(step=step, began=began, ended=ended)


def test_counters_are_seen_from_the_other_end() -> None:
    """What a port has received its step has sent; a long name leaves no blank before the first number."""
    assert device_traffic(_DEVICES) == {
        "lo": Traffic(sent=1000, received=1000),
        "veth8aaec9a": Traffic(sent=21544, received=15807383),
    }


def test_one_step_after_the_other() -> None:
    """A port that is taken down while the next step runs is that of the step before."""
    steps = [_ran("a", 10.0, 12.0), _ran("b", 12.05, 12.4), _ran("c", 12.5, 20.0)]
    ports = [_port(10.2, 12.2, 1), _port(12.2, 12.5, 2), _port(12.7, 20.1, 3)]
    assert {step: traffic.sent for step, traffic in traffic_of(steps, ports).items()} == {"a": 1, "b": 2, "c": 3}


def test_steps_side_by_side() -> None:
    """Told apart by their ends, or by what is left when one is known."""
    steps = [_ran("long", 10.0, 20.0), _ran("short", 10.0, 13.0)]
    ports = [_port(10.2, 13.1, 1), _port(10.2, 20.1, 2)]
    assert {step: traffic.sent for step, traffic in traffic_of(steps, ports).items()} == {"short": 1, "long": 2}
    steps = [_ran("early", 10.0, 20.0), _ran("late", 15.0, 20.2)]
    ports = [_port(10.2, 20.1, 1), _port(15.2, 20.3, 2)]
    assert {step: traffic.sent for step, traffic in traffic_of(steps, ports).items()} == {"early": 1, "late": 2}


def test_what_may_be_anothers_is_told_of_nobody() -> None:
    """Two ports for one step, two equal steps, and a container that was there before or stays."""
    step = _ran("a", 10.0, 12.0)
    assert traffic_of([step], [_port(10.2, 12.1, 1), _port(10.3, 12.2, 2)]) == {}
    assert traffic_of([step, _ran("b", 10.0, 12.1)], [_port(10.2, 12.1, 1), _port(10.2, 12.2, 2)]) == {}
    assert traffic_of([step], [_port(5.0, 12.1, 1), _port(10.2, 40.0, 2), _port(10.2, 10.9, 3)]) == {}
