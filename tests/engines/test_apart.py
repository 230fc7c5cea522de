"""Another engine leaves this machine's network as it was: it has one of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from docker import APIClient

from tests.engines.release import RELEASES
from tests.engines.running import running

pytestmark = pytest.mark.engine
RELEASE = RELEASES["28.5"]
"""In this machine's own network, and told to use another bridge, it deletes `docker0` (seen with 28.5.2)."""

_COMES_AND_GOES = ("veth", "br-", "twinbuild")
"""What this machine's engine makes for containers, of other tests too, and the cables to other engines."""


def links() -> dict[str, tuple[str, str]]:
    """Return this machine's links by name, each with what tells it from a successor of that name."""
    return {
        place.name: ((place / "ifindex").read_text(), (place / "address").read_text())
        for place in Path("/sys/class/net").iterdir()
        if (place / "ifindex").exists() and not place.name.startswith(_COMES_AND_GOES)
    }


def routes() -> set[tuple[str, ...]]:
    """Return link, destination, gateway and mask of this machine's routes."""
    lines = [line.split() for line in Path("/proc/net/route").read_text(encoding="ascii").splitlines()[1:]]
    return {(*line[:3], line[7]) for line in lines if not line[0].startswith(_COMES_AND_GOES)}


def test_the_hosts_links_are_what_they_were() -> None:
    """While it runs there is one link more; the second start meets what the first one has left in its data."""
    before, ways = links(), routes()
    for _ in range(2):
        with running(RELEASE, os.environ) as host:
            during, cable = links(), Path(f"/sys/class/net/{RELEASE.link}").exists()
            api = APIClient(base_url=host, version="auto", timeout=60)
            own = api.inspect_network("bridge")
            api.close()
        assert cable
        assert during == before
        # By the very name of this machine's own: it sees its own network alone.
        assert own["Options"]["com.docker.network.bridge.name"] == "docker0"
        assert own["IPAM"]["Config"][0]["Subnet"] == RELEASE.networks[0]
        assert links() == before
        assert routes() == ways
