"""The sources lay in other folders, and the paths are part of the programs.

A path that is 19 characters longer moved a 16 MB program by 32 bytes, and with it most of its addresses: sections
differ all over while no function does anything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.binary.content.explain import SOURCES
from orchestrator.parity.evidence.folders import folders
from orchestrator.parity.suspicion import Likelihood, Suspicion, listed
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def weigh(difference: Difference) -> Suspicion | None:
    """Certain when everything is equal but for the folders; likely when folders of source files differ besides.

    Another version of a dependency shows as a path as well; `dependency-version` knows.
    """
    content = difference.content
    if content is None:
        return _by_profiles(difference)
    found = [pair for pair in folders(difference) if any(tail.endswith(SOURCES) for tail in pair.examples)]
    if not found:
        return None
    shown = [f"{pair.local} (local) {pair.image} (image)" for pair in found]
    example = next(tail for tail in found[0].examples if tail.endswith(SOURCES))
    return _suspect(
        Likelihood.CERTAIN if content.equal else Likelihood.LIKELY,
        f"the sources lay in {found[0].local} here and in {found[0].image} in the image",
        (Evidence(label="source folders", value=listed(shown)), Evidence(label="for example", value=example)),
    )


def _by_profiles(difference: Difference) -> Suspicion | None:
    roots, functions = difference.roots, difference.functions
    if not roots.only_local or not roots.only_image:
        return None
    same = functions is not None and functions.same_shape and not difference.crates
    return _suspect(
        Likelihood.LIKELY if same else Likelihood.POSSIBLE,
        f"the sources of dependencies lay in {listed(roots.only_local)} here and in {listed(roots.only_image)} in the "
        "image",
        (
            Evidence(label="source folders, local", value=listed(roots.only_local)),
            Evidence(label="source folders, image", value=listed(roots.only_image)),
        ),
    )


def _suspect(likelihood: Likelihood, explanation: str, evidence: tuple[Evidence, ...]) -> Suspicion:
    return Suspicion(
        cause="paths",
        likelihood=likelihood,
        explanation=explanation,
        repair="let the local build run at the image's paths (install bubblewrap; `invoke doctor` says whether "
        "namespaces are allowed), or map both with `--remap-path-prefix`",
        evidence=evidence,
        explains=frozenset({"symbol-hash"}),
    )
