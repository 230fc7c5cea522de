"""Each FROM reference of a Dockerfile becomes an image that is there and cannot change under the build."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from orchestrator.bases.bootstrap import base_config, bootstrap
from orchestrator.bases.image import PINNED, REPOSITORY, BaseImage, Origin
from orchestrator.bases.proposal import unavailable
from orchestrator.bases.recipe import CARGO_HOME, recipe_of
from orchestrator.engine.archive import image_id
from orchestrator.errors import BaseUnavailableError
from orchestrator.events import Lane, OutputEvent, StepEvent, StepState

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from orchestrator.bases.image import HostToolchain
    from orchestrator.bases.settings import BaseSettings, BootstrapSettings
    from orchestrator.engine.docker import Engine
    from orchestrator.engine.process import Stream
    from orchestrator.events import Emit

_KEY_LENGTH = 16
_TRIPLES = {"amd64": "x86_64-unknown-linux-gnu", "arm64": "aarch64-unknown-linux-gnu"}


def prepare_bases(
    engine: Engine,
    references: Sequence[str],
    settings: Mapping[str, BaseSettings],
    *,
    toolchain: HostToolchain | None,
    scratch: Path,
    environment: Mapping[str, str],
    emit: Emit,
    cancel: threading.Event | None = None,
    rebuild: bool = False,
) -> dict[str, BaseImage]:
    """Return a base for each reference, making those that are missing.

    A reference that `settings` does not name is taken as the engine has it. No tag of the user's is ever moved:
    every base gets a tag of our own, which the Dockerfile that is sent to the engine names instead.

    Raises:
        BaseUnavailableError: a reference is neither named in the spec nor known to the engine, or cannot be made.
        ToolchainMismatchError: a reference promises another toolchain than the host's.
        ToolMissingError: bootstrapping needs mmdebstrap and there is none.
    """
    there = {each: engine.image(each) for each in references if each not in settings}
    lacking = [each for each, image in there.items() if image is None]
    if lacking:
        raise unavailable(lacking, toolchain)
    bases = {}
    for reference in dict.fromkeys(references):
        began = time.monotonic()
        image, wanted = there.get(reference), settings.get(reference)
        if image is not None:
            bases[reference] = _pinned(engine, reference, image.id, Origin.ENGINE)
        elif wanted is not None and wanted.pull is not None:
            bases[reference] = _pulled(engine, reference, wanted.pull.digest)
        elif wanted is not None and wanted.bootstrap is not None:
            bases[reference] = _bootstrapped(
                engine,
                reference,
                wanted.bootstrap,
                toolchain=toolchain,
                scratch=scratch,
                environment=environment,
                emit=emit,
                cancel=cancel,
                rebuild=rebuild,
            )
        state = StepState.CACHED if time.monotonic() - began < 1 else StepState.DONE
        base = bases[reference]
        emit(
            StepEvent(
                lane=Lane.BASES,
                step=reference,
                name=f"base {reference} ({base.origin}, {(base.made_id or base.image_id)[7:19]})",
                state=state,
                seconds=time.monotonic() - began,
            )
        )
    return bases


def _bootstrapped(
    engine: Engine,
    reference: str,
    settings: BootstrapSettings,
    *,
    toolchain: HostToolchain | None,
    scratch: Path,
    environment: Mapping[str, str],
    emit: Emit,
    cancel: threading.Event | None,
    rebuild: bool,
) -> BaseImage:
    recipe = recipe_of(reference, settings, toolchain)
    pinned = f"{REPOSITORY}:{recipe.key[:_KEY_LENGTH]}"
    image = None if rebuild else engine.image(pinned)
    if image is None:
        name = f"bootstrap {reference} from Debian {settings.suite} packages"
        emit(StepEvent(lane=Lane.BASES, step=reference, name=name, state=StepState.STARTED))

        def tell(_stream: Stream, line: str) -> None:
            emit(OutputEvent(lane=Lane.BASES, step=reference, text=line))

        made = bootstrap(engine, recipe, scratch=scratch, environment=environment, on_line=tell, cancel=cancel)
        engine.tag(made, pinned)
        image = engine.image(pinned)
        if image is None:
            raise BaseUnavailableError(f"the engine lost the base {reference} right after it was loaded")
    return BaseImage(
        reference=reference,
        pinned=pinned,
        image_id=image.id,
        made_id=image_id(base_config(recipe, image.layers)) if engine.names_manifests else image.id,
        origin=Origin.BOOTSTRAP,
        environment=image.environment,
        directory=image.working_directory or "/",
        key=recipe.key,
        cargo_home=CARGO_HOME if recipe.toolchain else None,
        sysroot=recipe.sysroot,
    )


def _pulled(engine: Engine, reference: str, digest: str) -> BaseImage:
    return _pinned(engine, reference, engine.pull(reference, digest), Origin.PULL)


def _pinned(engine: Engine, reference: str, name: str, origin: Origin) -> BaseImage:
    pinned = f"{PINNED}:{name.removeprefix('sha256:')[:_KEY_LENGTH]}"
    held = engine.image(pinned)
    if held is None or held.id != name:
        engine.tag(name, pinned)
    image = engine.image(pinned)
    if image is None:
        raise BaseUnavailableError(f"the engine lost the image {reference} while it was being pinned")
    environment = image.environment
    home, version = environment.get("RUSTUP_HOME"), environment.get("RUST_VERSION")
    return BaseImage(
        reference=reference,
        pinned=pinned,
        image_id=image.id,
        origin=origin,
        environment=environment,
        directory=image.working_directory or "/",
        triggers=image.triggers,
        cargo_home=environment.get("CARGO_HOME"),
        # The official image keeps its toolchain there; whether it is so is confirmed by the witness.
        sysroot=f"{home}/toolchains/{version}-{_TRIPLES[image.architecture]}"
        if home and version and image.architecture in _TRIPLES
        else None,
    )
