"""An engine ends with whoever started it, and the next start finds nothing in its way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from docker import APIClient

from tests.engines.place import cache
from tests.engines.release import RELEASES
from tests.engines.running import running
from tests.integration.conftest import ROOT

pytestmark = pytest.mark.engine
RELEASE = RELEASES["26.1"]


def processes() -> list[bytes]:
    """Return the command lines that name the engine's folder."""
    folder = os.fsencode(cache(os.environ) / f"state-{RELEASE.name}")
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(place.read_bytes())
        except OSError:
            continue
    return [line for line in found if folder in line]


def test_a_killed_starter_takes_its_engine_along() -> None:
    """With SIGKILL, so that nobody could tidy up; what the data folder remembers goes at the next start."""
    command = [sys.executable, "-m", "tests.engines", "run", RELEASE.name, "--", "sleep", "300"]
    starter = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert starter.stderr is not None
        host = starter.stderr.readline().split()[3].rstrip(":")
        assert host.startswith("unix://")
        assert processes()
        api = APIClient(base_url=host, version="auto", timeout=60)
        api.create_network("left-behind", internal=True)
        api.close()
    finally:
        os.killpg(starter.pid, signal.SIGKILL)
        starter.communicate(timeout=60)
    until = time.monotonic() + 20
    while processes() and time.monotonic() < until:
        time.sleep(0.1)
    assert not processes()
    with running(RELEASE, os.environ) as again:
        api = APIClient(base_url=again, version="auto", timeout=60)
        names = {network["Name"] for network in api.networks()}
        api.close()
    assert names == {"bridge", "host", "none"}
    assert not Path(f"/sys/class/net/{RELEASE.link}").exists()
