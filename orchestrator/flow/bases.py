"""`invoke bases`: lists, makes and verifies the base images of a spec."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.bases.bootstrap import bootstrap
from orchestrator.bases.identity import base_id
from orchestrator.bases.image import BaseImage, HostToolchain, Origin
from orchestrator.bases.prepare import prepare_bases
from orchestrator.bases.recipe import recipe_of
from orchestrator.engine.docker import Engine
from orchestrator.events import Lane, NoteEvent, OutputEvent
from orchestrator.toolchains.cargo.identity import identify
from orchestrator.workspace import waiting_for

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from orchestrator.engine.process import Stream
    from orchestrator.events import Emit
    from orchestrator.spec.load import LoadedSpec
    from orchestrator.workspace import Workspace


def list_bases(
    loaded: LoadedSpec, *, workspace: Workspace, environment: Mapping[str, str], show: Emit, rebuild: bool
) -> list[str]:
    """Return a line for each base of the spec, making what is missing.

    Raises:
        NoVerdictError: of the kind that fits: the toolchain, a base, the engine, the disk.
    """
    with _alone(workspace, show), Engine.connect(environment) as engine:
        made = _prepared(engine, loaded, workspace=workspace, environment=environment, show=show, rebuild=rebuild)
        ids = [base_id(engine, base, workspace=workspace) for base in made]
        return [
            f"{base.reference:28} {known[7:19]}  {base.origin:9}  {base.pinned}"
            for base, known in zip(made, ids, strict=True)
        ]


def verify_bases(loaded: LoadedSpec, *, workspace: Workspace, environment: Mapping[str, str], show: Emit) -> list[str]:
    """Make each bootstrapped base again and return a line for each whose image differs from the one in use.

    A difference says that the package archive has moved on since, or that something is not reproducible.
    """
    differing = []
    with _alone(workspace, show), Engine.connect(environment) as engine:
        toolchain = _toolchain(loaded, workspace, environment)
        for base in _prepared(engine, loaded, workspace=workspace, environment=environment, show=show, rebuild=False):
            settings = loaded.spec.bases[base.reference].bootstrap
            if base.origin is not Origin.BOOTSTRAP or settings is None:
                continue

            def tell(_stream: Stream, line: str, reference: str = base.reference) -> None:
                show(OutputEvent(lane=Lane.BASES, step=reference, text=line))

            again = bootstrap(
                engine,
                recipe_of(base.reference, settings, toolchain),
                scratch=workspace.scratch,
                environment=environment,
                on_line=tell,
            )
            if again != base.image_id:
                differing.append(f"{base.reference} is {base.image_id[7:19]}, and {again[7:19]} if made now")
                engine.remove_image(again)
    return differing


def _alone(workspace: Workspace, show: Emit) -> AbstractContextManager[bool]:
    return workspace.locked(
        "bases", wait=True, on_wait=lambda holder: show(NoteEvent(lane=Lane.BASES, text=waiting_for(holder)))
    )


def _prepared(
    engine: Engine,
    loaded: LoadedSpec,
    *,
    workspace: Workspace,
    environment: Mapping[str, str],
    show: Emit,
    rebuild: bool,
) -> list[BaseImage]:
    return list(
        prepare_bases(
            engine,
            tuple(loaded.spec.bases),
            loaded.spec.bases,
            toolchain=_toolchain(loaded, workspace, environment),
            scratch=workspace.scratch,
            environment=environment,
            emit=show,
            rebuild=rebuild,
        ).values()
    )


def _toolchain(loaded: LoadedSpec, workspace: Workspace, environment: Mapping[str, str]) -> HostToolchain:
    folder = (loaded.root / loaded.spec.source.root / loaded.spec.toolchain.manifest).parent
    found = identify(folder, workspace=workspace, environment=environment)
    return HostToolchain(version=found.version, commit=found.commit, host=found.host, sysroot=found.sysroot)
