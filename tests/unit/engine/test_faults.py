"""Whose fault it is when a step gets no network: the engine's words, as measured on three releases."""

from __future__ import annotations

import pytest

from orchestrator.engine.faults import network_fault

WORDS = "failed to create endpoint 6r on network bridge: adding interface veth1 to bridge docker0 failed: "


@pytest.mark.parametrize(
    "said",
    [
        f"executor failed running [/bin/sh -c cargo build]: {WORDS}could not find bridge docker0: no such interface",
        f'process "/bin/x" did not complete successfully: {WORDS}Device does not exist',
    ],
)
def test_a_step_that_could_not_begin(said: str) -> None:
    """The engine's fault, with what helps."""
    found = network_fault(said)
    assert found is not None
    assert "failed to create endpoint" in found.message
    assert "/bin/" not in found.message
    assert "restart the engine" in str(found.repair)


@pytest.mark.parametrize(
    "said",
    [
        'process "/bin/sh -c cargo build" did not complete successfully: exit code: 101',
        f'process "/bin/sh -c echo : {WORDS}; exit 1" did not complete successfully: exit code: 1',
        f"executor failed running [/bin/sh -c echo ': {WORDS}']: exit code: 3",
    ],
)
def test_a_step_that_ran(said: str) -> None:
    """Whatever its own text is."""
    assert network_fault(said) is None
