"""A package that asks for a newer compiler is refused where its manifest says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import ToolchainMismatchError
from orchestrator.toolchains.cargo.identity import CargoToolchain
from orchestrator.toolchains.cargo.rust_version import require_rust

MANIFESTS = ("app/Cargo.toml", "Cargo.toml")


def host(version: str) -> CargoToolchain:
    """Return a toolchain of which the version alone counts."""
    return CargoToolchain(
        cargo=Path("/cargo"), sysroot=Path("/"), version=version, commit="0" * 40, host="x86_64-linux", verbose=""
    )


def write(tree: Path, package: str, workspace: str) -> None:
    (tree / "app").mkdir()
    (tree / "app" / "Cargo.toml").write_text(package)
    (tree / "Cargo.toml").write_text(workspace)


@pytest.mark.parametrize(
    ("wanted", "version"),
    [(None, "1.95.0"), ("1.95", "1.95.0"), ("1.95.0", "1.95.0"), ("1.9", "1.95.0"), ("1.96", "1.96.0-nightly")],
)
def test_a_host_that_is_new_enough_is_left_in_peace(tmp_path: Path, wanted: str | None, version: str) -> None:
    """Numbers are compared, not texts; a nightly counts as its release."""
    require_rust("app", wanted, host(version), tree=tmp_path, manifests=MANIFESTS)


@pytest.mark.parametrize(
    ("package", "workspace", "place"),
    [
        ('[package]\nname = "app"\nrust-version = "1.96"\n', "[workspace]\n", "app/Cargo.toml:3"),
        (
            '[package]\nname = "app"\nrust-version.workspace = true\n',
            '[workspace.package]\nrust-version = "1.96"\n',
            "Cargo.toml:2",
        ),
        ('[package]\nname = "app"\n', "[workspace]\n", "app/Cargo.toml"),
    ],
    ids=["its own", "the workspace's", "nowhere to be seen"],
)
def test_a_newer_compiler_is_asked_for_at_a_line(tmp_path: Path, package: str, workspace: str, place: str) -> None:
    """Of the package's manifest, or of the workspace's where that has the key."""
    write(tmp_path, package, workspace)
    with pytest.raises(ToolchainMismatchError, match=r"`app` asks for rustc 1\.96 .* the host has 1\.95\.0") as caught:
        require_rust("app", "1.96", host("1.95.0"), tree=tmp_path, manifests=MANIFESTS)
    assert str(caught.value.location) == place
    assert "rustup toolchain install 1.96" in str(caught.value.repair)
