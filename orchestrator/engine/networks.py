"""A network of a run's own, without a way out."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orchestrator.engine.faults import engine_faults

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.engine.docker import Engine


@contextmanager
def private_network(engine: Engine, *, wanted: bool, labels: Mapping[str, str]) -> Iterator[str]:
    """Yield the name of a network without a way out, or `none`; it is removed afterwards."""
    if not wanted:
        yield "none"
        return
    name = f"twinbuild-{secrets.token_hex(6)}"
    with engine_faults("making a network"):
        made = engine.api.create_network(name, internal=True, labels=dict(labels))
    try:
        yield name
    finally:
        with engine_faults("removing a network"):
            engine.api.remove_network(made["Id"])
