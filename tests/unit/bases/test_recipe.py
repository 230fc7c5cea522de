"""What names a base: the recipe's key, the toolchain that a reference promises, and the toolchain's layer."""

from __future__ import annotations

import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from orchestrator.bases.debian import _explain
from orchestrator.bases.image import HostToolchain
from orchestrator.bases.recipe import EPOCH, recipe_of
from orchestrator.bases.settings import BaseSettings, BootstrapSettings
from orchestrator.bases.toolchain import write_toolchain_layer
from orchestrator.errors import BaseUnavailableError, ToolchainMismatchError

HOST = "x86_64-unknown-linux-gnu"


def settings(**changed: Any) -> BootstrapSettings:
    return BootstrapSettings(**{"suite": "bookworm", "packages": ("gcc", "libc6-dev"), **changed})


@pytest.fixture
def toolchain(tmp_path: Path) -> HostToolchain:
    """A toolchain in small."""
    for path, content in {"bin/rustc": "r", "bin/cargo": "c", "lib/a.so": "a", "share/doc/x": "x" * 99}.items():
        place = tmp_path / "sysroot" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)
    (tmp_path / "sysroot/bin/rustc").chmod(0o700)
    (tmp_path / "sysroot/lib/link.so").symlink_to("a.so")
    return HostToolchain(version="1.95.0", commit="a" * 40, host=HOST, sysroot=tmp_path / "sysroot")


def test_the_key_names_what_decides_the_bytes(toolchain: HostToolchain) -> None:
    """The suite, the packages as a set, the mirror, the toolchain's commit and components; nothing else."""
    key = recipe_of("rust:1.95", settings(toolchain="host"), toolchain).key
    same = settings(toolchain="host", packages=("libc6-dev", "gcc", "gcc"))
    assert recipe_of("rust:1", same, toolchain).key == key
    moved = replace(toolchain, sysroot=toolchain.sysroot.rename(toolchain.sysroot.with_name("elsewhere")))
    assert recipe_of("rust:1.95", settings(toolchain="host"), moved).key == key
    for other in (
        settings(),
        settings(toolchain="host", suite="trixie"),
        settings(toolchain="host", packages=("gcc",)),
        settings(toolchain="host", mirror="http://mirror.example.org/debian"),
    ):
        assert recipe_of("rust:1.95", other, moved).key != key
    assert recipe_of("rust", settings(toolchain="host"), replace(moved, commit="b" * 40)).key != key
    (moved.sysroot / "lib/new.so").write_text("n")
    assert recipe_of("rust:1.95", settings(toolchain="host"), moved).key != key


def test_documentation_is_no_part_of_it(toolchain: HostToolchain) -> None:
    """`share` is left out of the layer, so it may not count either."""
    key = recipe_of("rust", settings(toolchain="host"), toolchain).key
    (toolchain.sysroot / "share/doc/x").write_text("other")
    assert recipe_of("rust", settings(toolchain="host"), toolchain).key == key


@pytest.mark.parametrize(
    "reference",
    ["rust:1.95-bookworm", "rust:1.95.0", "rust:1", "rust", "rust:latest", "rust:slim", "r.org:5000/rust:1.95"],
)
def test_a_reference_that_the_host_keeps(toolchain: HostToolchain, reference: str) -> None:
    """A version that the host's begins with, or none."""
    assert recipe_of(reference, settings(toolchain="host"), toolchain).toolchain == toolchain


@pytest.mark.parametrize(
    ("reference", "promised"),
    [("rust:1.80-bookworm", "1.80"), ("rust:1.9", "1.9"), ("rust:1.95.1-slim", "1.95.1"), ("r.org:5000/rust:2", "2")],
)
def test_a_reference_that_promises_another_toolchain(toolchain: HostToolchain, reference: str, promised: str) -> None:
    """A copy of the host's toolchain under that name would be a lie; the message has both ways out."""
    with pytest.raises(ToolchainMismatchError) as caught:
        recipe_of(reference, settings(toolchain="host"), toolchain)
    assert (
        f"the base {reference} promises Rust {promised}, and this machine's toolchain is 1.95.0" in caught.value.message
    )
    assert f"rustup toolchain install {promised}" in str(caught.value.repair)
    assert reference.replace(promised, "1.95.0") in str(caught.value.repair)
    assert recipe_of(reference, settings(), toolchain).toolchain is None


def test_the_toolchains_layer(toolchain: HostToolchain, tmp_path: Path) -> None:
    """As the official image has it, without documentation; the same bytes from any place and time."""
    write_toolchain_layer(toolchain, tmp_path / "one.tar")
    (toolchain.sysroot / "bin/rustc").touch()
    (toolchain.sysroot / "lib/a.so").chmod(0o600)
    moved = replace(toolchain, sysroot=toolchain.sysroot.rename(tmp_path / "moved"))
    write_toolchain_layer(moved, tmp_path / "two.tar")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    with tarfile.open(tmp_path / "one.tar") as layer:
        found = {entry.name: entry for entry in layer}
    home = f"usr/local/rustup/toolchains/1.95.0-{HOST}"
    assert found[f"{home}/bin/rustc"].mode == 0o755
    assert found[f"{home}/lib/a.so"].mode == 0o644
    assert found[f"{home}/lib/link.so"].linkname == "a.so"
    assert found["usr/local/cargo/bin/cargo"].linkname == f"/{home}/bin/cargo"
    assert not [name for name in found if "share" in name]
    assert not {"usr", "usr/local"} & set(found), "these are the system's"
    assert {entry.mtime for entry in found.values()} == {EPOCH}


@pytest.mark.parametrize("given", [{}, {"pull": {"digest": f"sha256:{'0' * 64}"}, "bootstrap": {"suite": "x"}}])
def test_a_base_comes_from_exactly_one_place(given: dict[str, Any]) -> None:
    """Neither none nor two."""
    with pytest.raises(ValidationError, match="expected exactly one of 'bootstrap' and 'pull'"):
        BaseSettings.model_validate(given)


def test_a_version_that_has_left_the_archive_is_suspected() -> None:
    """A pinned package that was there when the base was first made: what may be wrong, and where old ones are kept."""
    said = "E: setup failed: E: apt-get --yes install ca-certificates=19990101 failed\nE: mmdebstrap failed to run\n"
    pinned = BootstrapSettings(suite="bookworm", packages=("ca-certificates=19990101", "gcc"))
    with pytest.raises(BaseUnavailableError, match="with ca-certificates=19990101, gcc") as caught:
        _explain(pinned, said)
    assert caught.value.repair is not None
    assert "no longer have ca-certificates=19990101:" in caught.value.repair
    assert "snapshot.debian.org" in caught.value.repair
    with pytest.raises(BaseUnavailableError) as plain:
        _explain(BootstrapSettings(suite="bookworm", packages=("gcc",)), said)
    assert "no longer" not in str(plain.value.repair)
