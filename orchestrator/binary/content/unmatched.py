"""How much code a stripped program has that another one lacks: by the sizes of its functions, as nothing names them."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

from orchestrator.binary.content.layout import lay_out
from orchestrator.binary.content.unwind import read_records
from orchestrator.binary.elf_tables import TableDamageError
from orchestrator.binary.mapped_file import mapped_file

if TYPE_CHECKING:
    from pathlib import Path


def unmatched_code(local: Path, image: Path) -> int | None:
    """Return how many bytes those functions of the image's program take that the local one has none of this size for.

    Returns:
        None where a program does not say where its functions lie.

    Raises:
        OSError: a file cannot be read.
    """
    sizes = []
    with ExitStack() as files:
        for path in (local, image):
            try:
                layout = lay_out(files.enter_context(mapped_file(path))[1])
            except TableDamageError:
                return None
            records = read_records(layout) if layout is not None else None
            if not records:
                return None
            sizes.append(Counter(record.size for record in records))
    return sum(size * count for size, count in (sizes[1] - sizes[0]).items())
