"""A folder for the spec of a test, and what is wrong with what it writes there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.errors import SpecInvalidError
from orchestrator.spec.load import load_spec


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the spec, which is also the working directory."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


@pytest.fixture
def mistakes(folder: Path) -> Callable[[str | bytes], list[str]]:
    """Load a text and return what is wrong with it, without the file's name."""

    def load(text: str | bytes) -> list[str]:
        path = folder / "buildspec.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        error = mistake_in(Path("buildspec.yaml"))
        if error is None:
            return []
        assert all(line.startswith("buildspec.yaml:") for line in error.detail)
        found = [line.removeprefix("buildspec.yaml:") for line in error.detail]
        assert error.location is not None
        assert f"{error.location.line}:{error.location.column}" == ":".join(found[0].split(":")[:2])
        return found

    return load


def mistake_in(path: Path) -> SpecInvalidError | None:
    try:
        load_spec(path)
    except SpecInvalidError as error:
        return error
    return None
