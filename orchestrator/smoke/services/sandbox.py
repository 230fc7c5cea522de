"""What the sandbox of the host's program needs for services and files: their names, a way to them, and the files."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.smoke.services import listen
from orchestrator.smoke.services.gateway import Gateway

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from orchestrator.smoke.services.start import Service

_GATE = "/run/twinbuild-gate"
_HOSTS = Path("/etc/hosts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provision:
    """What goes into a sandbox beside the program.

    Attributes:
        given: what lies at which path in it, read-only.
        first: the words of a command that starts the program, itself first.
    """

    given: Mapping[str, Path] = field(default_factory=dict)
    first: tuple[str, ...] = ()


@contextmanager
def provision(services: Sequence[Service], files: Mapping[str, str], folder: Path) -> Iterator[Provision]:
    """Yield what makes services reachable by their names and puts files in their places.

    Each service gets an address of the loopback of its own, so two may have the same port.

    Args:
        services: those that run for this side.
        files: content by path.
        folder: empty, for the length of the block.
    """
    given = {}
    for number, (path, content) in enumerate(sorted(files.items())):
        given[path] = folder / f"file-{number}"
        given[path].write_text(content, encoding="utf-8")
        given[path].chmod(0o444)
    if not services:
        yield Provision(given=given)
        return
    addresses = {service.name: f"127.0.0.{number}" for number, service in enumerate(services, start=2)}
    hosts = folder / "hosts"
    known = _HOSTS.read_text(encoding="utf-8", errors="replace") if _HOSTS.exists() else ""
    hosts.write_text(known + "".join(f"\n{address} {name}" for name, address in addresses.items()) + "\n")
    gate = folder / "gate"
    gate.mkdir()
    python = Path(os.path.realpath(sys.executable))
    # It may lie where the sandbox has something of its own.
    given |= {str(_HOSTS): hosts, _GATE: gate, sys.base_prefix: Path(sys.base_prefix), str(python): python}
    given[f"{_GATE}.py"] = Path(listen.__file__)
    ports = [f"{addresses[service.name]}:{service.port}" for service in services]
    with Gateway(gate / "socket", [(service.address(), service.port) for service in services]):
        yield Provision(given=given, first=(str(python), "-I", "-S", f"{_GATE}.py", f"{_GATE}/socket", *ports, "--"))
