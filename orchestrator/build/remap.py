"""The second best way to the image's paths: compilers that write other paths than they read.

It reaches what rustc and the C compiler write themselves. `env!("CARGO_MANIFEST_DIR")`, paths that build scripts put
into generated code, and compilers that heed no CFLAGS keep this machine's paths.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.cargo.flags import with_flags

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.build.place import Bind


def remapped(
    flags: Sequence[str], variables: Mapping[str, str], binds: Sequence[Bind]
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return (rustc's flags with the path prefixes added, the variables that carry these and the C compiler's).

    Args:
        flags: the project's own, all of which stay in force.
        variables: the build's; CFLAGS and CXXFLAGS there are kept.
        binds: which path is to be written as which.
    """
    # Of several prefixes that fit, both compilers take the one named last: the longest.
    pairs = [f"{bind.source}={bind.target}" for bind in sorted(binds, key=lambda bind: len(bind.source.parts))]
    for_rust = (*flags, *(f"--remap-path-prefix={pair}" for pair in pairs))
    for_c = " ".join(f"-ffile-prefix-map={pair}" for pair in pairs)
    named = {name: f"{variables.get(name, '')} {for_c}".strip() for name in ("CFLAGS", "CXXFLAGS")}
    return for_rust, {**with_flags(for_rust), **named}
