"""How a run is written down: what it does to the user's tag is done only where the record of it can be kept."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.atomic import left_beside
from orchestrator.errors import RecordUnreadableError
from orchestrator.flow.account import excerpts, log_paths
from orchestrator.record import FILE_NAME, read_record, recorded
from orchestrator.workspace import no_space_named

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestrator.engine.docker import Engine
    from orchestrator.flow.journal import Journal
    from orchestrator.record import ImageFacts, RunRecord
    from orchestrator.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Where a run is written down.

    Args:
        folder: of the run.
        journal: its steps until now.
        workspace: that has the folder.
        root: of the project, for excerpts of its files.
    """

    folder: Path
    journal: Journal
    workspace: Workspace
    root: Path

    @contextmanager
    def closing(self, record: RunRecord) -> Iterator[RunRecord]:
        """Give the record as it is kept: on the disk, complete, before the block, and in its place after it.

        If the block raises, nothing is kept.

        Raises:
            NoSpaceError: there is no room for it; the block has not been entered.
        """
        closed = replace(
            record,
            steps=self.journal.steps(),
            seconds=round(self.journal.seconds(), 3),
            excerpts=excerpts(record, (self.workspace.source, self.root)),
            logs=log_paths(self.folder),
        )
        with (
            no_space_named(self.workspace.root),
            self.workspace.finishing(self.folder),
            recorded(closed, self.folder),
        ):
            yield closed
        self.journal.end(closed)

    def close(self, record: RunRecord) -> RunRecord:
        """Keep a record that nothing depends on."""
        with self.closing(record) as closed:
            return closed


def complete_killed(workspace: Workspace, engine: Engine) -> None:
    """Put the records of runs in their place that were killed right after they had moved their tag.

    To be called while the workspace is held, without which no tag is moved: a record that tells of one and lies beside
    its place is no living run's. It goes where the tag was not moved, or was moved again since.
    """
    for folder in workspace.runs.iterdir():
        place = folder / FILE_NAME
        for left in () if folder.is_symlink() else left_beside(place):
            image = _promoted(left)
            if image is None:
                continue
            tagged = engine.image(image.tag)
            if tagged is not None and tagged.id == image.candidate_id:
                with workspace.finishing(folder):
                    left.replace(place)
            left.unlink(missing_ok=True)


def _promoted(left: Path) -> ImageFacts | None:
    """Return what a record that may not be whole says of the image that got the tag; None where it says of none."""
    try:
        image = read_record(left).image
    except RecordUnreadableError:
        return None
    return image if image is not None and image.promoted else None
