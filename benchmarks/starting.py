"""What it takes to know that an image can start, and what the smoke run adds to the program's own time."""

from __future__ import annotations

import os
import secrets
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Figure, best
from benchmarks.sample import ROOT, Sample
from orchestrator.binary.loading.read import read_ahead, read_loadable
from orchestrator.build.base_files import BaseFiles
from orchestrator.engine.docker import Engine
from orchestrator.engine.files import image_files
from orchestrator.smoke.image import run_image
from orchestrator.smoke.local import AsInImage, run_local
from orchestrator.spec.load import load_spec
from orchestrator.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.engine.image_facts import ImageFacts

_TIMES = 5
_LOADABLE, _ADDED = 0.3, 0.7
"""Seconds that are promised, whether or not the base was seen before."""

_LABELS = {"twinbuild.benchmark": "starting"}
_BINARY = "/usr/local/bin/backend"
_OWN_LAYERS = 2
_OWN_FILES = frozenset({"backend", "backend-admin", "entrypoint.sh", "usr/", "local/", "bin/"})
"""What the sample's Dockerfile puts upon its base: two COPY instructions, and the folders on their way."""


def measure() -> Iterator[Figure]:
    """Measure on the sample's image, which is built first."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="twinbuild-bench-")))
        sample = Sample(folder / "sample", tag="twinbuild-bench:starting")
        sample.invoke(folder / "state")
        engine = stack.enter_context(Engine.connect(os.environ))
        stack.callback(engine.remove_image, sample.tag)
        image = engine.image(sample.tag)
        if image is None:
            raise SystemExit(f"the sample was built and the engine has no {sample.tag}")
        program = folder / "program"
        with image_files(engine, image.id, labels=_LABELS) as files:
            program.write_bytes(files.read(_BINARY) or b"")
        program.chmod(0o755)
        yield from _loading(engine, image, program, folder)
        yield from _smoke(engine, image, program, folder)


def _loading(engine: Engine, image: ImageFacts, program: Path, folder: Path) -> Iterator[Figure]:
    def read(workspace: Workspace) -> float:
        began = time.perf_counter()
        with image_files(engine, image.id, labels=_LABELS) as files:
            layers = image.layers[:-_OWN_LAYERS]
            known = BaseFiles(files, layers=layers, touched=_OWN_FILES, workspace=workspace)
            read_loadable(known, image, binary=_BINARY, program=program)
            known.keep()
        return time.perf_counter() - began

    name = f"loadable, image of {image.size / 1e6:.0f} MB"

    def ahead(workspace: Workspace) -> Workspace:
        """Do what a run does while the image is still being built."""
        with image_files(engine, _base_of(engine, image), labels=_LABELS) as files:
            layers = image.layers[:-_OWN_LAYERS]
            base = BaseFiles(files, layers=layers, touched=frozenset(), workspace=workspace)
            read_ahead(base, program)
            base.keep()
        return workspace

    first = min(read(ahead(Workspace.open(folder / f"first-{number}"))) for number in range(_TIMES))
    alone = min(read(Workspace.open(folder / f"alone-{number}")) for number in range(_TIMES))
    first_name = f"{name}, first of its base ({alone:.2f} s where it was built before the host's program)"
    yield Figure(name=first_name, ours=first, peer=None, peer_name="", promised=_LOADABLE)
    again = Workspace.open(folder / "first-0")
    later = best(lambda: read(again), times=_TIMES)
    yield Figure(name=f"{name}, base seen before", ours=later, peer=None, peer_name="", promised=_LOADABLE)


def _base_of(engine: Engine, image: ImageFacts) -> str:
    for made in engine.api.images(quiet=True):
        known = engine.image(made)
        if known is not None and known.layers == image.layers[:-_OWN_LAYERS]:
            return known.id
    raise SystemExit("the engine has no image with the layers of the sample's base")


def _smoke(engine: Engine, image: ImageFacts, program: Path, folder: Path) -> Iterator[Figure]:
    """Yield what the smoke run takes beyond `stays_up` and the start and stop that the host's program needs."""
    plan = load_spec(ROOT / "buildspec.yaml").spec.smoke
    alone = run_local(
        program,
        [],
        plan,
        image=AsInImage(variables=image.environment),
        environment=os.environ,
        scratch=folder,
        cancel=threading.Event(),
    )
    if alone.ready_after is None or alone.stop_seconds is None:
        raise SystemExit(f"the sample's program does not run here: {alone.waiting} {alone.unmeetable or ''}")
    own = plan.stays_up + alone.ready_after + alone.stop_seconds

    def run() -> float:
        began = time.perf_counter()
        run_image(engine, image.id, plan, labels=_LABELS, cancel=threading.Event())
        return time.perf_counter() - began - own

    added = best(run, times=_TIMES)
    raw = best(lambda: _engine_alone(engine, image), times=_TIMES)
    name = f"smoke run over the program's own start and stop (the engine alone: {raw:.2f} s)"
    yield Figure(name=name, ours=added, peer=None, peer_name="", promised=_ADDED)


def _engine_alone(engine: Engine, image: ImageFacts) -> float:
    """Return the seconds that the engine takes for a container in a network, started and removed, and no watching."""
    began = time.perf_counter()
    network = engine.api.create_network(f"twinbuild-bench-{secrets.token_hex(4)}", internal=True, labels=_LABELS)["Id"]
    try:
        host = engine.api.create_host_config(network_mode=network)
        made = engine.api.create_container(image.id, host_config=host, labels=_LABELS)["Id"]
        try:
            engine.api.start(made)
        finally:
            engine.api.remove_container(made, force=True)
    finally:
        engine.api.remove_network(network)
    return time.perf_counter() - began
