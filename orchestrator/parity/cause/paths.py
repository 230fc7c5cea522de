"""The sources lay in other folders, and the paths are part of the programs.

A path that is 19 characters longer moved a 16 MB program by 32 bytes, and with it most of its addresses: sections
differ all over while no function is added, removed or resized.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.cause.suspicion import Likelihood, Suspicion, listed
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def weigh(difference: Difference) -> Suspicion | None:
    """Certain when the mapped content is equal but for the folders; likely when the functions have the same shape.

    Another version of a dependency shows as a path as well; `dependency-version` knows.
    """
    roots, functions = difference.roots, difference.functions
    if not roots.only_local or not roots.only_image:
        return None
    local, image = difference.local, difference.image
    only_paths = (local.code_sha256, local.pathless_sha256) == (image.code_sha256, image.pathless_sha256)
    likelihood = Likelihood.POSSIBLE
    if functions is not None and functions.same_shape and not difference.crates:
        likelihood = Likelihood.LIKELY
    if only_paths:
        likelihood = Likelihood.CERTAIN
    return Suspicion(
        cause="paths",
        likelihood=likelihood,
        explanation=f"the sources of dependencies lay in {listed(roots.only_local)} here and in "
        f"{listed(roots.only_image)} in the image",
        repair="let the local build run at the image's paths (install bubblewrap; `invoke doctor` says whether "
        "namespaces are allowed), or map both with `--remap-path-prefix`",
        evidence=(
            Evidence(label="source folders, local", value=listed(roots.only_local)),
            Evidence(label="source folders, image", value=listed(roots.only_image)),
        ),
    )
