"""What is compiled anew because a file has changed that cargo does not know of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.build.heeded import heed_files, note_declared

if TYPE_CHECKING:
    from pathlib import Path

OWN = (
    "release/.fingerprint/app-0123456789abcdef",
    "x86_64-unknown-linux-gnu/release/.fingerprint/app-fedcba9876543210",
)
OTHERS = ("release/.fingerprint/app-core-0123456789abcdef", "release/.fingerprint/serde-0123456789abcdef")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Return a target directory in which things are compiled."""
    for unit in (*OWN, *OTHERS):
        (tmp_path / unit).mkdir(parents=True)
    note_declared(tmp_path, ["app/src/main.rs", "app/assets", "app/page.html"])
    return tmp_path


def left(target: Path) -> set[str]:
    return {unit for unit in (*OWN, *OTHERS) if (target / unit).exists()}


@pytest.mark.parametrize("path", ["app/migrations/1.sql", "app/migrations", "app/assets.txt", "README.md"])
def test_own_packages_go_for_what_nothing_declares(target: Path, path: str) -> None:
    """Those of the project alone, in whichever profile and for whichever machine they were compiled."""
    heed_files(target, [path], ["app"])
    assert left(target) == set(OTHERS)


@pytest.mark.parametrize(
    "path",
    ["app/assets/a/b.txt", "app/assets", "app/page.html", "app/src/new.rs", "app/Cargo.toml", ".cargo/config.toml"],
)
def test_what_cargo_watches_is_left_to_cargo(target: Path, path: str) -> None:
    """A change of a source file compiles no more than it does without this tool."""
    heed_files(target, [path], ["app"])
    assert left(target) == {*OWN, *OTHERS}


def test_nothing_goes_where_nothing_was_read(target: Path) -> None:
    """As when a file changes that no build has opened."""
    heed_files(target, [], ["app"])
    assert left(target) == {*OWN, *OTHERS}


def test_without_a_note_nothing_counts_as_declared(tmp_path: Path) -> None:
    """A target directory of an earlier version of this tool, or of a build that failed."""
    (tmp_path / OWN[0]).mkdir(parents=True)
    (tmp_path / ".twinbuild-declared").write_text("{")
    heed_files(tmp_path, ["app/page.html"], ["app"])
    assert not (tmp_path / OWN[0]).exists()
