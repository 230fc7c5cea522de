"""Own code that the image's program lacks, and whether that means that it was never compiled.

Other settings of the compiler inline all of a small crate as well. Then functions of the rest differ in size, or are on
one side only; those of a placeholder are the standard library's, as in the local program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.binary.names import entry_crate, readable

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference, OwnCode

_START = "std::rt::lang_start"
"""Compiled with `main`, for the type that it returns."""


def emptied_crates(difference: Difference) -> list[OwnCode]:
    """Return the project's own crates of which the image's program has `main` at most."""
    return [code for code in difference.own if code.local_beyond_main and not code.image_beyond_main]


def without_dependencies(difference: Difference) -> bool:
    """Return whether the local program shows dependencies, and the image's is a Rust program that shows none."""
    image = difference.image
    return bool(difference.crates.only_local) and not image.crates and bool(image.rustc_commits)


def rest_as_it_was(difference: Difference) -> bool:
    """Return whether all that the image's program has, but for `main`, the local one has as well, by name and size."""
    functions = difference.functions
    return (
        functions is not None
        and not functions.only_image
        and all(entry_crate(name) is not None or readable(name).startswith(_START) for name in functions.resized)
    )
