"""The image holds a placeholder: the program that a Dockerfile compiles to cache dependencies, `fn main() {}`.

Size, exit code and output do not tell a stub (real programs were measured that are smaller than their stub). What
does: the project's own functions are all gone but `main`, the dependencies are gone (they leave source paths in a
program that uses them, even when it is stripped), and what is left is in the local program as well, unchanged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.binary.names import function_size
from orchestrator.parity.emptied import emptied_crates, rest_as_it_was, without_dependencies
from orchestrator.parity.same_stub import EMPTY
from orchestrator.parity.suspicion import Likelihood, Suspicion, counted, listed
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference, OwnCode

REPAIR = (
    "keep `stub: {guard: enforce}` in the spec, which recompiles what changed; in the Dockerfile itself, `touch` every "
    "source of every local crate after the COPY that brings the real sources, before the build"
)
EXPLAINS = frozenset(
    {
        *("needed-differs", "dependency-version", "paths", "symbol-hash", "other-sources", "own-data", "features"),
        *("codegen-settings", "codegen-units", "nondeterminism", "timestamp", "commit-id", "overflow-checks"),
    }
)
"""What goes with the code that is missing."""


def weigh(difference: Difference) -> Suspicion | None:
    """Weigh own code, dependencies, and whether the rest is what the local program has as well."""
    mains = set(difference.local_entries)
    if mains and difference.image.functions is not None and not mains & set(difference.image_entries):
        return None  # without this program's `main` it is another program
    emptied = emptied_crates(difference)
    bare = without_dependencies(difference)
    if emptied and all(code.image_beyond_main == 0 for code in difference.own):
        return _by_own_code(difference, emptied, bare=bare)
    if bare and difference.functions is None:
        return _by_dependencies(difference)
    return None


def _by_own_code(difference: Difference, emptied: list[OwnCode], *, bare: bool) -> Suspicion:
    names = " and ".join(f"`{code.crate}`" for code in emptied)
    rest = "main only" if any(code.image for code in emptied) else "not even main"
    functions = difference.functions
    share = f"{functions.common:,} of {functions.local:,} functions, " if functions else ""
    missing = tuple(name for code in emptied for name in code.missing)
    mains = _mains(difference)
    idle = mains is not None and mains[2] <= EMPTY
    return Suspicion(
        cause="stub",
        likelihood=_likelihood(difference, bare=bare),
        explanation=f"the image's program has {share}none of package {names}'s own ({rest}): a placeholder, as it is "
        "compiled to cache dependencies" + (", which ends at once with exit code 0 and prints nothing" if idle else ""),
        repair=REPAIR,
        evidence=(
            *(
                []
                if mains is None
                else [Evidence(label=mains[0], value=f"{mains[1]:,} bytes local, {mains[2]:,} in the image")]
            ),
            Evidence(label="own functions missing", value=listed(missing)),
            *_dependencies(difference),
        ),
        explains=EXPLAINS,
    )


def _mains(difference: Difference) -> tuple[str, int, int] | None:
    """Return the name of the `main` that both programs have, and how many bytes of code it takes in each."""
    crates = [crate for crate in difference.local_entries if crate in difference.image_entries]
    if not crates:
        return None
    name = f"{crates[0]}::main"
    here, there = function_size(difference.local, name), function_size(difference.image, name)
    return None if here is None or there is None else (name, here, there)


def _likelihood(difference: Difference, *, bare: bool) -> Likelihood:
    """Return how surely own code that is gone means a stub."""
    subset = rest_as_it_was(difference)
    if bare and (subset or difference.toolchains):
        return Likelihood.CERTAIN  # other tools bring another standard library, and explain no missing dependency
    if subset or bare:
        return Likelihood.LIKELY
    return Likelihood.POSSIBLE


def _by_dependencies(difference: Difference) -> Suspicion:
    """Return the suspicion where nothing is named: likely if the image has code of the local one and an empty `main`.

    Another binary of the workspace may show no dependency as well, and has functions of its own.
    """
    alone = difference.unmatched is not None and difference.unmatched <= EMPTY
    shown = counted(len(difference.crates.only_local), "dependency", "dependencies")
    return Suspicion(
        cause="stub",
        likelihood=Likelihood.LIKELY if alone else Likelihood.POSSIBLE,
        explanation=f"the local program shows {shown}, the image's is a Rust program that shows none"
        + (", and no function that the local one lacks" if alone else ""),
        repair=REPAIR,
        evidence=_dependencies(difference),
        explains=EXPLAINS,
    )


def _dependencies(difference: Difference) -> tuple[Evidence, ...]:
    missing = difference.crates.only_local
    return (Evidence(label="dependencies missing", value=listed(missing)),) if missing else ()
