"""A base image made from packages: no registry is asked, and the same packages give the same image ID."""

from __future__ import annotations

import platform
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.bases.debian import write_system_layer
from orchestrator.bases.recipe import EPOCH
from orchestrator.bases.toolchain import write_toolchain_layer
from orchestrator.engine.archive import archive, image_config, image_id, layer_of
from orchestrator.errors import BaseUnavailableError
from orchestrator.workspace import no_space_named

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence

    from orchestrator.bases.recipe import Recipe
    from orchestrator.engine.docker import Engine
    from orchestrator.engine.process import Stream

_ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
}


def bootstrap(
    engine: Engine,
    recipe: Recipe,
    *,
    scratch: Path,
    environment: Mapping[str, str],
    on_line: Callable[[Stream, str], None],
    cancel: threading.Event | None = None,
) -> str:
    """Make the base, load it into the engine and return what that calls it. It gets no tag here.

    Args:
        engine: where the image is loaded.
        recipe: what goes into it.
        scratch: folder for the layers while they are made (about 1 GB with a Rust toolchain); emptied again.
        environment: the caller's variables, of which proxies and PATH are passed on.
        on_line: told each line that the bootstrap prints.
        cancel: set to end it early.

    Raises:
        ToolMissingError: there is no mmdebstrap.
        BaseUnavailableError: the packages are not to be had, or the engine took another image than was made.
        NoSpaceError: no room for the layers.
    """
    with no_space_named(scratch), tempfile.TemporaryDirectory(dir=scratch, prefix="base-") as folder:
        system = Path(folder) / "system.tar"
        write_system_layer(recipe.settings, system, environment=environment, on_line=on_line, cancel=cancel)
        layers = [layer_of(system)]
        if recipe.toolchain is not None:
            toolchain = Path(folder) / "toolchain.tar"
            write_toolchain_layer(recipe.toolchain, toolchain)
            layers.append(layer_of(toolchain))
        config = base_config(recipe, [layer.diff_id for layer in layers])
        loaded = engine.load(archive(config, layers))
    facts = engine.image(loaded)
    as_sent = facts is not None and facts.layers == tuple(layer.diff_id for layer in layers)
    if not as_sent or (loaded != image_id(config) and not engine.names_manifests):
        raise BaseUnavailableError(
            f"the engine loaded {loaded} where {image_id(config)} was sent",
            repair="run `invoke bases --rebuild`; if it stays so, report it with `invoke doctor`'s output",
        )
    return loaded


def base_config(recipe: Recipe, layers: Sequence[str]) -> bytes:
    """Return the configuration of a base; its sha256 is the image ID, whatever the engine calls it.

    Args:
        recipe: what goes into it.
        layers: diff ids: the system's, and the toolchain's where it has one.
    """
    made_by = [f"twinbuild: Debian {recipe.settings.suite} from packages"]
    made_by += [f"twinbuild: Rust {recipe.toolchain.name}"] if recipe.toolchain else []
    return image_config(
        list(zip(layers, made_by, strict=True)),
        environment=recipe.environment,
        architecture=_ARCHITECTURES.get(platform.machine(), platform.machine()),
        epoch=EPOCH,
        comment=f"twinbuild base {recipe.key}",
    )
