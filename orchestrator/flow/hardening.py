"""What the Dockerfile that is sent has beside the user's words: pins, the guard, crates, certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.bases.cargo import cargo_in
from orchestrator.bases.certificates import certificates_image
from orchestrator.build.bare_base import bare_base
from orchestrator.dockerfile.detours import detours
from orchestrator.dockerfile.harden import Hardening
from orchestrator.dockerfile.inherited import inherits
from orchestrator.toolchains.cargo.tools import tools_image

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.bases.image import BaseImage
    from orchestrator.dockerfile.model import Dockerfile
    from orchestrator.dockerfile.trace import BuilderPlace, Tracer
    from orchestrator.flow.surroundings import Surroundings
    from orchestrator.spec.model import BuildSpec
    from orchestrator.toolchains.cargo.crates import CratesImage


def hardening_of(
    spec: BuildSpec,
    dockerfile: Dockerfile,
    tracer: Tracer,
    builder: BuilderPlace,
    bases: Mapping[str, BaseImage],
    *,
    crates: CratesImage | None,
    around: Surroundings,
) -> Hardening:
    """Return what is put into the text that is sent; the images that it mounts are made where the engine lacks them.

    Args:
        spec: what is built.
        dockerfile: what is planned with.
        tracer: follows files through it.
        builder: where the program is built.
        bases: by the reference that the Dockerfile has.
        crates: what cargo finds instead of a network; None where the project needs none.
        around: the run.

    Raises:
        NoVerdictError: the engine, or a base, is not what is needed.
    """
    homes, bare = {}, {}
    covered: dict[int, tuple[str, str]] = {}
    for stage in dockerfile.needed(spec.image.target):
        walked = tracer.walk(stage)
        for detour in detours(dockerfile, stage, walked):
            base = bases.get(detour.base)
            found = (
                None
                if base is None
                else cargo_in(around.engine, base, detour.paths, workspace=around.workspace, labels=around.labels)
            )
            if base is not None and found is not None:
                covered[detour.line] = base.pinned, found
        for placed in walked:
            home = placed.environment.get("CARGO_HOME")
            if home is not None and placed.stage is stage:
                homes[placed.instruction.line] = home
        if inherits(dockerfile, stage):
            bare[stage.index] = bare_base(
                around.engine, bases[stage.base], workspace=around.workspace, emit=around.emit
            )
    return Hardening(
        pins={reference: base.pinned for reference, base in bases.items()},
        guard=spec.stub.guard,
        tools=tools_image(around.engine, scratch=around.workspace.scratch),
        crates=crates.reference if crates else None,
        git_crates=crates is not None and crates.git,
        cargo_homes=homes,
        programs=[(builder.stage.index, builder.program)],
        covered=covered,
        certificates=_certificates(spec, around),
        bare=bare,
    )


def _certificates(spec: BuildSpec, around: Surroundings) -> str | None:
    if spec.network.certificates == "none":
        return None
    return certificates_image(around.engine, environment=around.environment, scratch=around.workspace.scratch)
