"""The image's build waits for the host's, and never tells its own end before the error that was the cause."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest

from orchestrator.build.handover import Handover, HandoverPlan
from orchestrator.engine.process import Process
from orchestrator.errors import InterruptedRunError
from orchestrator.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.build.ground import LocalPlan
    from orchestrator.engine.docker import Engine

PLAN = HandoverPlan(reference="x:1", key="x:1", made=False, local=cast("LocalPlan", None), words=())
ENGINE = cast("Engine", None)


def test_a_host_that_fails_at_once_is_told_first(tmp_path: Path) -> None:
    """Before cargo ran: the waiting build ends only when the run has taken the host's error and says so."""
    workspace, cancel = Workspace.open(tmp_path / "w"), threading.Event()
    handover = Handover(PLAN, ENGINE, workspace)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(handover.wait, ENGINE, workspace=workspace, cancel=cancel)
        handover.ended(succeeded=False, workspace=workspace)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.5)
        cancel.set()
        with pytest.raises(InterruptedRunError):
            waiting.result(timeout=10)


def test_a_run_that_is_ended_waits_no_longer(tmp_path: Path) -> None:
    """Ctrl-C while the host compiles."""
    cancel = threading.Event()
    cancel.set()
    workspace = Workspace.open(tmp_path / "w")
    with pytest.raises(InterruptedRunError):
        Handover(PLAN, ENGINE, workspace).wait(ENGINE, workspace=workspace, cancel=cancel)


def test_the_host_gives_way_at_once_where_nothing_is_awaited(tmp_path: Path) -> None:
    """An offer that is made already; else the image build waits for the host, which goes first."""
    for made, nice in ((True, 10), (False, os.getpriority(os.PRIO_PROCESS, 0))):
        handover = Handover(replace(PLAN, made=made), ENGINE, Workspace.open(tmp_path / "w"))
        with Process(["sleep", "600"]) as host:
            handover.started(host)
            assert os.getpriority(os.PRIO_PROCESS, host.pid) == nice
