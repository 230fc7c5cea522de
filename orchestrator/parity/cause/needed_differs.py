"""The programs ask for different shared libraries.

The usual reason, seen in a public program: a `*-sys` crate asks pkg-config, finds the system's library on one side,
and compiles its own copy on the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.suspicion import Likelihood, Suspicion, listed
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def weigh(difference: Difference) -> Suspicion | None:
    """Likely when the lists differ: nothing but the link decides them.

    The C library's and the compiler's own come and go with what the code calls: where code differs, that is no cause.
    """
    needed = difference.needed
    if not needed or difference.local.format is not difference.image.format or difference.image.damage:
        return None
    crates = {*difference.local.crates, *difference.image.crates}
    wrappers = sorted(crate.split()[0] for crate in crates if crate.split()[0].endswith("-sys"))
    sides = [("local", needed.only_local), ("image", needed.only_image)]
    runtime = all(name.startswith(_RUNTIME) for name in (*needed.only_local, *needed.only_image))
    functions = difference.functions
    same = difference.code_equal or (functions is not None and functions.same_shape)
    return Suspicion(
        cause="needed-differs",
        likelihood=Likelihood.POSSIBLE if runtime and not same else Likelihood.LIKELY,
        explanation="they need different shared libraries: "
        + "; ".join(f"only {side} {listed(names)}" for side, names in sides if names),
        repair="install the same `-dev` packages on both sides, or set `<LIBRARY>_STATIC=1` under `inputs` so that "
        "both compile their own copy",
        evidence=(
            *(Evidence(label=f"needed, only {side}", value=listed(names)) for side, names in sides if names),
            *((Evidence(label="crates that wrap a library", value=listed(wrappers)),) if wrappers else ()),
        ),
        explains=frozenset({"symbol-hash"}),
    )


_RUNTIME = ("ld-linux", "ld-musl", "ld64", "libc.", "libm.", "libgcc_s.", "libpthread.", "libdl.", "librt.", "libutil.")
