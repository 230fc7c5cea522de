"""Profile and features as cargo would have them in force."""

from __future__ import annotations

import tomllib

import pytest

from orchestrator.toolchains.cargo.in_force import features_in_force, profile_in_force, profile_of

MANIFEST = tomllib.loads("""
[profile.release]
lto = true
debug = 1
opt-level = 3
[profile.shipped]
inherits = "release"
panic = "abort"
[profile.release.package.other]
opt-level = 0
""")


def in_force(*arguments: str, profile: str = "release", config: str = "", **variables: str) -> dict[str, str]:
    return profile_in_force(MANIFEST, tomllib.loads(config), variables, arguments, profile=profile)


def test_the_manifest_says_what_nothing_else_says() -> None:
    """Beyond it there are cargo's own defaults; two spellings of one thing are one."""
    assert in_force().items() >= {"opt-level": "3", "lto": "fat", "debug": "1", "panic": "unwind"}.items()
    assert in_force(profile="dev").items() >= {"opt-level": "0", "lto": "false", "overflow-checks": "true"}.items()
    assert in_force(profile="unknown") == {}


def test_a_profile_has_what_it_inherits() -> None:
    """Its own settings go before those."""
    assert in_force(profile="shipped") == {**in_force(), "panic": "abort"}
    assert in_force(profile="shipped", CARGO_PROFILE_RELEASE_PANIC="unwind")["panic"] == "abort"
    assert in_force(profile="shipped", CARGO_PROFILE_SHIPPED_PANIC="unwind")["panic"] == "unwind"


@pytest.mark.parametrize(
    ("arguments", "config", "variables", "level"),
    [
        ((), "[profile.release]\nopt-level = 2", {}, "2"),
        ((), "[profile.release]\nopt-level = 2", {"CARGO_PROFILE_RELEASE_OPT_LEVEL": "s"}, "s"),
        (("--config", "profile.release.opt-level=1"), "", {"CARGO_PROFILE_RELEASE_OPT_LEVEL": "s"}, "1"),
        (("--config=profile.release.opt-level='z'",), "", {}, "z"),
        (("--config", "other.toml"), "", {}, "3"),
    ],
)
def test_what_goes_before_what(arguments: tuple[str, ...], config: str, variables: dict[str, str], level: str) -> None:
    """The command line, variables, the configuration, the manifest."""
    assert in_force(*arguments, config=config, **variables)["opt-level"] == level


@pytest.mark.parametrize(
    ("arguments", "features", "profile"),
    [
        (("build", "--release"), ("default",), "release"),
        (("build", "--profile=shipped", "--features", "a,b"), ("a", "b", "default"), "shipped"),
        (("build", "-r", "-F", "b a", "--no-default-features"), ("a", "b"), "release"),
        (("build", "--all-features"), ("all", "default"), "dev"),
    ],
)
def test_a_call_names_features_and_profile(arguments: tuple[str, ...], features: tuple[str, ...], profile: str) -> None:
    """In both spellings of an option."""
    assert features_in_force(arguments) == features
    assert profile_of(arguments) == profile
