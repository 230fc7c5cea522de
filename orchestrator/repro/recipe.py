"""How to build without this tool so that folder, user and time leave no trace: the same shell text on both sides.

Of cargo's four sources of flags exactly one counts, so setting RUSTFLAGS alone would drop what the project asks for:
its own flags are written into the variable first.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_HOME = "${CARGO_HOME:-$HOME/.cargo}"
_FOLDERS = (("$PWD", "/workspace"), (_HOME, "/cargo"))
_SYSROOT = ("$(rustc --print sysroot)", "/rust")
_C_FLAGS = ("CFLAGS", "CXXFLAGS")
_SPECIAL = re.compile(r'(["\\$`])')


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainBuild:
    """Shell lines for a build without this tool. `left`: what they cannot express, one clause; None: nothing."""

    lines: tuple[str, ...]
    left: str | None = None


def plain_build(
    flags: Sequence[str], variables: Mapping[str, str], command: Sequence[str], *, c_code: bool, epoch: int
) -> PlainBuild:
    """Return the shell text, to be run in the workspace's folder, in a RUN step as well as on the host.

    Args:
        flags: the project's own flags of rustc, as cargo would work them out.
        variables: the builder's, of which the flags of the C compilers are kept.
        command: cargo's words.
        c_code: whether C is compiled too.
        epoch: of the sources, seconds.
    """
    remap = [f"--remap-path-prefix={here}={name}" for here, name in (*_FOLDERS, _SYSROOT)]
    spaced = [flag for flag in flags if " " in flag]
    kept = [_SPECIAL.sub(r"\\\1", flag) for flag in flags if " " not in flag]
    lines = [f"export SOURCE_DATE_EPOCH={epoch}", f'export RUSTFLAGS="{" ".join([*kept, *remap])}"']
    if c_code:
        mapped = [f"-ffile-prefix-map={here}={name}" for here, name in _FOLDERS]
        for name in _C_FLAGS:
            before = [_SPECIAL.sub(r"\\\1", variables[name])] if variables.get(name) else []
            lines.append(f'export {name}="{" ".join([*before, *mapped])}"')
    lines.append(shlex.join(["cargo", *command]))
    left = f"RUSTFLAGS cannot hold flags with blanks, so {shlex.join(spaced)} must go elsewhere" if spaced else None
    return PlainBuild(lines=tuple(lines), left=left)
