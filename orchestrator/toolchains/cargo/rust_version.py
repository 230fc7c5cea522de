"""Whether the host's compiler is as new as a package asks for, said before anything is built or made.

Cargo says it too (`rustc 1.95.0 is not supported by the following package`), but only once both builds have begun.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.errors import ToolchainMismatchError
from orchestrator.location import Location

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from orchestrator.toolchains.cargo.identity import CargoToolchain

_KEY = re.compile(r"^\s*(?:package\.|workspace\.package\.)?rust-version\s*=\s*[\"']")


def require_rust(
    package: str, wanted: str | None, toolchain: CargoToolchain, *, tree: Path, manifests: Sequence[str]
) -> None:
    """Raise where a package asks for a newer rustc than the host has.

    Args:
        package: its name.
        wanted: its `rust-version` as `cargo metadata` has it: two or three numbers; None where it names none.
        toolchain: the host's.
        tree: the laid-out snapshot.
        manifests: where the key may stand, relative to `tree`: the package's manifest and the workspace's.

    Raises:
        ToolchainMismatchError: with the line of the key.
    """
    # A nightly counts as its release, as cargo has it (doc.rust-lang.org/cargo/reference/rust-version.html).
    if wanted is None or _numbers(wanted) <= _numbers(toolchain.version):
        return
    raise ToolchainMismatchError(
        f"the package `{package}` asks for rustc {wanted} (`rust-version`), and the host has {toolchain.version}",
        location=_place(tree, manifests),
        repair=f"`rustup toolchain install {wanted}`, named in rust-toolchain.toml; the base that cargo runs in has "
        "to be of that version, too",
    )


def _numbers(version: str) -> tuple[int, ...]:
    found = tuple(int(number) for number in version.partition("-")[0].split("."))
    return found + (0,) * (3 - len(found))


def _place(tree: Path, manifests: Sequence[str]) -> Location:
    for manifest in manifests:
        lines = (tree / manifest).read_text(encoding="utf-8", errors="replace").splitlines()
        line = next((number for number, text in enumerate(lines, start=1) if _KEY.match(text)), None)
        if line is not None:
            return Location(file=manifest, line=line)
    return Location(file=manifests[0])
