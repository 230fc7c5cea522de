"""What a recipe runs, and the text that the shell gets of it with the place of each piece."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.dockerfile.spans import ScriptText

if TYPE_CHECKING:
    from orchestrator.dockerfile.shell.collect import ShellKind
    from orchestrator.dockerfile.spans import SourceText

UNKNOWN_TEXT = "$twinbuild_unknown"
"""Stands for what only the runner knows: to the shell's reader, a variable that nobody has set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeLine:
    """Shell text that a runner hands to one shell.

    Attributes:
        script: the text.
        shell: what reads it.
        swallowed: how its failure is hidden, in the runner's words; None where it ends the run.
        sure: whether it surely runs; not where that hangs on files and their times.
        folder: where it runs, relative to where the runner was called.
    """

    script: ScriptText
    shell: ShellKind
    swallowed: str | None = None
    sure: bool = True
    folder: str = "."


@dataclass(slots=True)
class Rewritten:
    """Text with replacements that still knows where each piece of it stands.

    Args:
        source: the file that it is taken from.
    """

    source: SourceText
    _content: bytearray = field(default_factory=bytearray)
    _pieces: list[tuple[int, int]] = field(default_factory=list)

    def keep(self, start: int, end: int) -> None:
        """Add a stretch of the file."""
        if start < end:
            self._pieces.append((len(self._content), start))
            self._content += self.source.content[start:end]

    def put(self, text: bytes, start: int, end: int) -> None:
        """Add a text in the place of a stretch of the file: it begins where that begins, and ends where that ends."""
        begin = len(self._content)
        self._pieces += [(begin + number, start) for number in range(len(text) - 1)]
        self._pieces += [(begin + len(text) - 1, max(start, end - 1))] if text else []
        self._content += text

    def script(self) -> ScriptText:
        """Return the whole."""
        return ScriptText(content=bytes(self._content), source=self.source, pieces=tuple(self._pieces or [(0, 0)]))
