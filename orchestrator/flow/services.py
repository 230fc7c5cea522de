"""The images of a plan's services: those of the engine, and those that `bases` says how to get."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.bases.prepare import prepare_bases
from orchestrator.errors import BaseUnavailableError
from orchestrator.flow.prepare import remember_tags

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.bases.settings import BaseSettings
    from orchestrator.engine.docker import Engine
    from orchestrator.events import Emit
    from orchestrator.flow.surroundings import Surroundings
    from orchestrator.smoke.services.settings import ServiceSettings
    from orchestrator.spec.model import BuildSpec
    from orchestrator.workspace import Workspace


def service_images(spec: BuildSpec, around: Surroundings) -> dict[str, str]:
    """Return the image id of each service of a spec's plan, making what is missing.

    Raises:
        BaseUnavailableError: an image can be neither found nor made.
    """
    return images_of(
        spec.smoke.services,
        spec.bases,
        engine=around.engine,
        workspace=around.workspace,
        environment=around.environment,
        emit=around.emit,
    )


def images_of(
    services: Mapping[str, ServiceSettings],
    bases: Mapping[str, BaseSettings],
    *,
    engine: Engine,
    workspace: Workspace,
    environment: Mapping[str, str],
    emit: Emit,
) -> dict[str, str]:
    """Return the image id of each service, by the service's name.

    Raises:
        BaseUnavailableError: an image can be neither found nor made.
    """
    found = {}
    for name, service in services.items():
        # One of the engine is taken by its id, so that a tag that moves meanwhile changes nothing.
        image = None if service.image in bases else engine.image(service.image)
        if image is not None:
            found[name] = image.id
        elif service.image not in bases:
            raise BaseUnavailableError(
                f"`smoke.services.{name}` names the image {service.image}, which the engine does not have and "
                "`bases` does not name",
                repair=f"docker pull {service.image}, or say in the spec where it comes from, for example",
                detail=("bases:", f"  {service.image}: {{bootstrap: {{suite: bookworm, packages: [{name}]}}}}"),
            )
    made = prepare_bases(
        engine,
        [service.image for name, service in services.items() if name not in found],
        bases,
        toolchain=None,
        scratch=workspace.scratch,
        environment=environment,
        emit=emit,
    )
    if made:
        remember_tags(workspace, [base.pinned for base in made.values()])
    return {name: found.get(name) or made[service.image].image_id for name, service in services.items()}
