"""The user's own configuration of cargo: which file counts, and what of it is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.cargo.user_config import user_access

if TYPE_CHECKING:
    from pathlib import Path


def test_the_older_name_counts_where_both_are_there(tmp_path: Path) -> None:
    """As cargo has it, which warns of the other one."""
    (tmp_path / "config").write_text('[http]\nproxy = "old"\n')
    (tmp_path / "config.toml").write_text('[http]\nproxy = "new"\n[net]\nretry = 7\n')
    (tmp_path / "credentials.toml").write_text('[registries.own-one]\ntoken = "t"\n')
    access = user_access({"CARGO_HOME": str(tmp_path)})
    assert access == {"CARGO_HTTP_PROXY": "old", "CARGO_REGISTRIES_OWN_ONE_TOKEN": "t"}
    (tmp_path / "config").unlink()
    assert user_access({"CARGO_HOME": str(tmp_path)})["CARGO_HTTP_PROXY"] == "new"


def test_what_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    """Cargo itself says what is wrong with it."""
    (tmp_path / "config").write_text("[http\n")
    assert user_access({"CARGO_HOME": str(tmp_path)}) == {}
