"""Compiler flags as cargo works them out, `cfg(...)` expressions, and the project's own configuration."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.build.place import Bind
from orchestrator.build.remap import remapped
from orchestrator.errors import LocalBuildFailedError
from orchestrator.toolchains.cargo.cfg import holds
from orchestrator.toolchains.cargo.config import config_files, read_config
from orchestrator.toolchains.cargo.flags import effective_rustflags, with_flags

HOST = "x86_64-unknown-linux-gnu"
FACTS = frozenset({"unix", "debug_assertions", 'target_os="linux"', 'target_env="gnu"', 'feature="a b"'})


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("cfg(unix)", True),
        ("cfg(windows)", False),
        ("cfg(not(windows))", True),
        ('cfg(target_os = "linux")', True),
        ('cfg(target_os="macos")', False),
        ('cfg(all(unix, target_env = "gnu"))', True),
        ('cfg(any(windows, all(unix, not(target_env = "musl"))))', True),
        ("cfg(all())", True),
        ("cfg(any())", False),
        ("cfg(all(unix,))", True),
        ('cfg(feature = "a b")', True),
        ("cfg(true)", True),
        ("cfg(false)", False),
    ],
)
def test_cfg_expressions(expression: str, answer: bool) -> None:  # noqa: FBT001 - a table
    """As the Rust reference has them."""
    assert holds(expression, FACTS) is answer


@pytest.mark.parametrize(
    "wrong",
    ["cfg()", "cfg(", "unix", "cfg(unix) x", "cfg(not(a, b))", "cfg(a =)", "cfg(all(a b))", "cfg(=)", "cfg(a,)", ""],
)
def test_what_is_no_expression_is_refused(wrong: str) -> None:
    """The caller leaves it to cargo, which has words of its own."""
    with pytest.raises(ValueError, match=r"at|takes"):
        holds(wrong, FACTS)


@given(st.text(alphabet='cfg(not,al="x) ', max_size=30))
def test_no_expression_breaks_the_reader(text: str) -> None:
    """An answer or a refusal."""
    with contextlib.suppress(ValueError):
        assert holds(text, FACTS) in {True, False}


@pytest.mark.parametrize(
    ("config", "environment", "flags"),
    [
        ({}, {}, ()),
        ({"build": {"rustflags": ["-Ca", "b c"]}}, {}, ("-Ca", "b c")),
        ({"build": {"rustflags": "-Ca -Cb"}}, {}, ("-Ca", "-Cb")),
        ({"build": {"rustflags": ["-Ca"]}}, {"CARGO_BUILD_RUSTFLAGS": "-Cb"}, ("-Ca", "-Cb")),
        ({"build": {"rustflags": ["-Ca"]}}, {"RUSTFLAGS": "-Cb"}, ("-Cb",)),
        ({"build": {"rustflags": ["-Ca"]}}, {"RUSTFLAGS": ""}, ()),
        ({}, {"RUSTFLAGS": "-Cb", "CARGO_ENCODED_RUSTFLAGS": "-Ca\x1fb c"}, ("-Ca", "b c")),
        ({}, {"RUSTFLAGS": "-Cb", "CARGO_ENCODED_RUSTFLAGS": ""}, ()),
        ({"build": {"rustflags": ["-Ca"]}, "target": {HOST: {"rustflags": ["-Ct"]}}}, {}, ("-Ct",)),
        (
            {"target": {HOST: {"rustflags": ["-Ct"]}, "cfg(unix)": {"rustflags": ["-Cu"]}, "cfg(windows)": {}}},
            {f"CARGO_TARGET_{HOST.upper().replace('-', '_')}_RUSTFLAGS": "-Ce"},
            ("-Ct", "-Ce", "-Cu"),
        ),
        ({"build": {"rustflags": ["-Ca"]}, "target": {"cfg(windows)": {"rustflags": ["-Cw"]}}}, {}, ("-Ca",)),
        ({"target": {"cfg(((": {"rustflags": ["-Cw"]}}}, {}, ()),
        ({"target": {"other": {"rustflags": ["-Cw"]}}, "build": "nonsense"}, {}, ()),
    ],
)
def test_one_source_of_flags_wins(
    config: Mapping[str, Any], environment: Mapping[str, str], flags: tuple[str, ...]
) -> None:
    """CARGO_ENCODED_RUSTFLAGS, RUSTFLAGS, `target.*`, `build`: in this order, the first that is set."""
    assert effective_rustflags(config, environment, host=HOST, facts=lambda: FACTS) == flags


def test_the_compiler_is_asked_only_where_its_answer_counts() -> None:
    """`rustc --print cfg` costs a process."""

    def never() -> frozenset[str]:
        pytest.fail("asked")

    assert effective_rustflags({"build": {"rustflags": "-Ca"}}, {}, host=HOST, facts=never) == ("-Ca",)


def test_remapped_flags_add_to_the_projects() -> None:
    """The longest prefix last, since both compilers take the last that fits; flags of C are kept."""
    binds = [Bind(source=Path("/w/tree/deep"), target="/dep"), Bind(source=Path("/w/tree"), target="/app")]
    flags, variables = remapped(("-Ca b",), {"CFLAGS": "-O1"}, binds)
    assert flags == ("-Ca b", "--remap-path-prefix=/w/tree=/app", "--remap-path-prefix=/w/tree/deep=/dep")
    assert variables["CARGO_ENCODED_RUSTFLAGS"].split("\x1f") == list(flags)
    assert variables["CFLAGS"] == "-O1 -ffile-prefix-map=/w/tree=/app -ffile-prefix-map=/w/tree/deep=/dep"
    assert variables["CXXFLAGS"].startswith("-ffile-prefix-map=")
    assert with_flags(()) == {"CARGO_ENCODED_RUSTFLAGS": ""}


def test_configuration_is_joined_as_cargo_does(tmp_path: Path) -> None:
    """Nearer files win, arrays grow, `config` goes before `config.toml`, and nothing above the top is read."""
    for folder, name, text in (
        (".", "config.toml", "[build]\nrustflags = ['top']\njobs = 1\n"),
        ("a", "config", "[build]\nrustflags = ['mid']\njobs = 2\n"),
        ("a", "config.toml", "[build]\nrustflags = ['never']\n"),
        ("a/b", "config.toml", "[build]\nrustflags = ['low']\n[env]\nX = '1'\n"),
    ):
        place = tmp_path / "top" / folder / ".cargo"
        place.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    (tmp_path / ".cargo").mkdir()
    (tmp_path / ".cargo/config.toml").write_text("[build]\nrustflags = ['outside']\n")
    top = tmp_path / "top"
    files = config_files(top / "a/b", top)
    assert [str(file.relative_to(top)) for file in files] == [
        ".cargo/config.toml",
        "a/.cargo/config",
        "a/b/.cargo/config.toml",
    ]
    assert read_config(files, top=top) == {
        "build": {"rustflags": ["top", "mid", "low"], "jobs": 2},
        "env": {"X": "1"},
    }


@pytest.mark.parametrize("content", [b"[build\n", b"a = '\xff'\n"])
def test_damaged_configuration_names_the_file(tmp_path: Path, content: bytes) -> None:
    """Cargo would refuse it as well."""
    (tmp_path / ".cargo").mkdir()
    (tmp_path / ".cargo/config.toml").write_bytes(content)
    with pytest.raises(LocalBuildFailedError, match="cargo's configuration cannot be read") as caught:
        read_config(config_files(tmp_path, tmp_path), top=tmp_path)
    assert str(caught.value.location) == ".cargo/config.toml"
