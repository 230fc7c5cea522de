"""What is read of a base while the image on it is still being built is not read again out of the image."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from orchestrator.binary.loading.read import read_ahead, read_loadable
from orchestrator.build.base_files import BaseFiles
from orchestrator.engine.files import ContainerFiles, image_files
from orchestrator.engine.sweep import run_labels
from orchestrator.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.engine.docker import Engine
    from orchestrator.engine.files import FileStat

pytestmark = [pytest.mark.engine, pytest.mark.cargo]

PROGRAM = "/usr/bin/perl"
"""In every Debian base, and it needs more than the C library."""


@dataclass
class Counted:
    """An image's files; what was read of them is written down."""

    files: ContainerFiles
    reads: list[str] = field(default_factory=list)

    def stat(self, path: str) -> FileStat | None:
        return self.files.stat(path)

    def read(self, path: str, limit: int) -> bytes | None:
        self.reads.append(path)
        return self.files.read(path, limit)

    def owner(self, path: str) -> tuple[int, int] | None:
        return self.files.owner(path)

    def capabilities(self, path: str) -> bool:
        return self.files.capabilities(path)


def test_what_was_read_ahead_is_not_read_again(engine: Engine, slim_base: str, tmp_path: Path) -> None:
    """Loader, cache and libraries come from memory; without reading ahead the very same files come out of the image."""
    image, program = engine.image(slim_base), tmp_path / "perl"
    assert image is not None
    labels = run_labels(tmp_path, "ahead")
    with image_files(engine, slim_base, labels=labels) as files:
        program.write_bytes(files.read(PROGRAM) or b"")

        def reads(workspace: Workspace) -> list[str]:
            counted = Counted(files)
            known = BaseFiles(counted, layers=image.layers, touched=frozenset(), workspace=workspace)
            facts = read_loadable(known, image, binary=PROGRAM, program=program, arguments=(PROGRAM,))
            assert len(facts.binary.resolved) > 1
            return counted.reads

        ahead, fresh = (Workspace.open(tmp_path / name) for name in ("ahead", "fresh"))
        base = BaseFiles(files, layers=image.layers, touched=frozenset(), workspace=ahead)
        read_ahead(base, program)
        base.keep()
        assert [path for path in reads(fresh) if "lib" in path]
        assert reads(ahead) == []
