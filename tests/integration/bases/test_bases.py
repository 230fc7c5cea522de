"""Bases on a real engine: where they come from, and that nothing of the user's is ever touched."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from orchestrator.bases.bootstrap import bootstrap
from orchestrator.bases.image import REPOSITORY, BaseImage, HostToolchain, Origin
from orchestrator.bases.prepare import prepare_bases
from orchestrator.bases.recipe import recipe_of
from orchestrator.bases.settings import BaseSettings, BootstrapSettings, PullSettings
from orchestrator.engine.archive import load_files
from orchestrator.engine.docker import Engine
from orchestrator.errors import BaseUnavailableError, ToolchainMismatchError, ToolMissingError

pytestmark = pytest.mark.engine
SLIM = BaseSettings(bootstrap=BootstrapSettings(suite="bookworm", packages=("ca-certificates",)))


@pytest.fixture
def tag(engine: Engine) -> Iterator[str]:
    """A tag that a test may use, removed afterwards."""
    name = f"twinbuild-test-{secrets.token_hex(4)}:1.0"
    yield name
    engine.remove_image(name)


def prepare(
    engine: Engine, reference: str, tmp_path: Path, settings: BaseSettings | None = None, **more: Any
) -> BaseImage:
    known: Mapping[str, BaseSettings] = {reference: settings} if settings else {}
    facts: dict[str, Any] = {"toolchain": None, "scratch": tmp_path, "environment": os.environ, "emit": lambda _: None}
    return prepare_bases(engine, [reference], known, **{**facts, **more})[reference]


def content(engine: Engine, tmp_path: Path, tag: str) -> str:
    load_files(engine, tag, [("file", secrets.token_bytes(8), 0o644)], scratch=tmp_path)
    facts = engine.image(tag)
    assert facts is not None
    return facts.id


def test_an_image_of_the_engine_is_used_as_it_is(engine: Engine, tmp_path: Path, tag: str) -> None:
    """A reference that the spec does not name; it is pinned, so a tag that moves during the build changes nothing."""
    first = content(engine, tmp_path, tag)
    base = prepare(engine, tag, tmp_path)
    try:
        assert (base.origin, base.image_id) == (Origin.ENGINE, first)
        engine.remove_image(tag)
        second = content(engine, tmp_path, tag)
        assert second != first
        pinned = engine.image(base.pinned)
        assert pinned is not None
        assert pinned.id == first
        other = prepare(engine, tag, tmp_path)
        assert other.image_id == second
        assert other.pinned != base.pinned
        engine.remove_image(other.pinned)
    finally:
        engine.remove_image(base.pinned)


def test_a_tag_of_the_users_is_never_moved(engine: Engine, tmp_path: Path, tag: str, slim_base: str) -> None:
    """The spec says how to make what the Dockerfile calls by a name that the user has given to something else."""
    mine = content(engine, tmp_path, tag)
    base = prepare(engine, tag, tmp_path, SLIM)
    assert base.origin is Origin.BOOTSTRAP
    assert base.image_id == slim_base, "made once and kept, whatever it is called"
    still = engine.image(tag)
    assert still is not None
    assert still.id == mine != base.image_id


def test_an_unknown_reference_says_both_ways_out(engine: Engine, tmp_path: Path) -> None:
    """Pull it, or name it in the spec."""
    with pytest.raises(
        BaseUnavailableError, match="builds on nobody/has-this:1, which the engine does not have"
    ) as caught:
        prepare(engine, "nobody/has-this:1", tmp_path)
    assert caught.value.repair is not None
    assert caught.value.repair.startswith("docker pull nobody/has-this:1, or ")
    assert "\n".join(caught.value.detail).startswith("bases:\n  nobody/has-this:1: {bootstrap:")


def test_a_registry_that_does_not_answer_is_told(engine: Engine, tmp_path: Path) -> None:
    """With the repository and digest, and the engine's own reason."""
    digest = f"sha256:{'ab' * 32}"
    settings = BaseSettings(pull=PullSettings(digest=digest))
    with pytest.raises(BaseUnavailableError) as caught:
        prepare(engine, "127.0.0.1:1/team/base:1", tmp_path, settings)
    assert caught.value.message == f"127.0.0.1:1/team/base@{digest} could not be pulled"
    assert caught.value.detail
    assert engine.image("127.0.0.1:1/team/base:1") is None


def test_a_promise_that_the_host_cannot_keep(engine: Engine, tmp_path: Path) -> None:
    """Nothing is made for it."""
    toolchain = HostToolchain(version="1.95.0", commit="a" * 40, host="x86_64-unknown-linux-gnu", sysroot=tmp_path)
    settings = BaseSettings(bootstrap=BootstrapSettings(suite="bookworm", toolchain="host"))
    with pytest.raises(ToolchainMismatchError, match=r"promises Rust 1\.80"):
        prepare(engine, "rust:1.80-bookworm", tmp_path, settings, toolchain=toolchain)


def test_a_bootstrap_that_fails_leaves_nothing(engine: Engine, tmp_path: Path) -> None:
    """No such suite, no mmdebstrap: each with its reason; the scratch folder is empty again."""
    settings = BaseSettings(bootstrap=BootstrapSettings(suite="no-such-suite", mirror="http://127.0.0.1:1/debian"))
    with pytest.raises(BaseUnavailableError, match="could not make a Debian no-such-suite system") as caught:
        prepare(engine, "x:1", tmp_path, settings)
    assert caught.value.detail
    with pytest.raises(ToolMissingError, match="mmdebstrap is needed"):
        prepare(engine, "x:1", tmp_path, settings, environment={"PATH": "/nonexistent"})
    assert list(tmp_path.iterdir()) == []


def test_a_version_that_has_left_the_archive(engine: Engine, tmp_path: Path, slim_base: str) -> None:
    """The base that was made of it in its day is still built on; made again it is an error, and that one stays."""
    settings = BaseSettings(bootstrap=BootstrapSettings(suite="bookworm", packages=("ca-certificates=20230101",)))
    assert settings.bootstrap is not None
    pinned = f"{REPOSITORY}:{recipe_of('debian:old', settings.bootstrap, None).key[:16]}"
    engine.tag(slim_base, pinned)
    try:
        assert prepare(engine, "debian:old", tmp_path, settings).image_id == slim_base
        with pytest.raises(BaseUnavailableError, match="with ca-certificates=20230101") as caught:
            prepare(engine, "debian:old", tmp_path, settings, rebuild=True)
        assert "the archive may no longer have ca-certificates=20230101" in str(caught.value.repair)
        assert "snapshot.debian.org" in str(caught.value.repair)
        kept = engine.image(pinned)
        assert kept is not None
        assert kept.id == slim_base
    finally:
        engine.remove_image(pinned)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(600)
def test_a_bootstrap_is_bit_reproducible(engine: Engine, tmp_path: Path, slim_base: str) -> None:
    """Made anew it has the id of the one that is kept; if the archive has newer packages by now, two new ones agree."""
    assert SLIM.bootstrap is not None
    recipe = recipe_of("debian:bookworm-slim", SLIM.bootstrap, None)

    def make() -> str:
        return bootstrap(engine, recipe, scratch=tmp_path, environment=os.environ, on_line=lambda _stream, _line: None)

    made = make()
    if made != slim_base:
        again = make()
        engine.remove_image(made)
        engine.remove_image(again)
        assert made == again
    assert list(tmp_path.iterdir()) == []
