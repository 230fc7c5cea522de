"""Where the build sees what: names on both sides of the namespace, and when there is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator.build.place import Bind, Place, PlaceKind, choose_place

BINDS = (
    Bind(source=Path("/w/tree"), target="/app"),
    Bind(source=Path("/w/target"), target="/app/target"),
    Bind(source=Path("/w/tree/vendor"), target="/vendor"),
)


@pytest.mark.parametrize(
    ("outside", "inside"),
    [
        ("/w/tree/src/main.rs", "/app/src/main.rs"),
        ("/w/target/release/demo", "/app/target/release/demo"),
        ("/w/tree/vendor/x", "/vendor/x"),
        ("/usr/bin/cc", "/usr/bin/cc"),
        ("/w/tree2/x", "/w/tree2/x"),
    ],
)
def test_names_on_both_sides(outside: str, inside: str) -> None:
    """The nearest bind counts, whole names only, and both ways are one another's reverse."""
    place = Place(kind=PlaceKind.NAMESPACE, reason="", binds=BINDS)
    assert place.inside(Path(outside)) == inside
    assert place.outside(inside) == Path(outside)
    remapped = Place(kind=PlaceKind.REMAP, reason="", binds=BINDS)
    assert remapped.inside(Path(outside)) == outside
    assert remapped.outside(outside) == Path(outside)


def test_without_bubblewrap_the_paths_are_remapped() -> None:
    """The reason is told with the run."""
    place = choose_place(BINDS, environment={"PATH": "/nonexistent"})
    assert (place.kind, place.reason) == (PlaceKind.REMAP, "bubblewrap is not installed")
    assert place.command(["cargo", "build"], directory="/app") == ["cargo", "build"]


def test_a_build_in_the_root_folder_is_remapped(tmp_path: Path) -> None:
    """A namespace cannot have the sources as its root and a system beside them."""
    bwrap = tmp_path / "bwrap"
    bwrap.write_text("#!/bin/sh\nexit 0\n")
    bwrap.chmod(0o755)
    binds = (Bind(source=tmp_path, target="/"),)
    place = choose_place(binds, environment={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert (place.kind, place.reason) == (PlaceKind.REMAP, "the image builds in its root folder")


def test_a_bubblewrap_that_may_not_is_quoted(tmp_path: Path) -> None:
    """Where user namespaces are forbidden, its own last words say so."""
    bwrap = tmp_path / "bwrap"
    bwrap.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    bwrap.chmod(0o755)
    place = choose_place(BINDS, environment={"PATH": str(tmp_path)})
    assert place.kind is PlaceKind.REMAP
    assert place.reason == "no mount namespace can be had: bwrap: No permissions to create new namespace"
