"""Cargo's typed messages (`--message-format=json`): what was compiled, what was fresh, what went wrong.

Source: doc.rust-lang.org/cargo/reference/external-tools.html#json-messages.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class CargoReport:
    """What a call told so far.

    Attributes:
        compiled, fresh: names of targets' packages, in the order in which they came.
        executables: path by name of the program's target.
        errors: rendered diagnostics, as cargo shows them.
        place: (file, line, column) of the first error, file relative to the workspace.
    """

    compiled: list[str] = field(default_factory=list)
    fresh: list[str] = field(default_factory=list)
    executables: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    place: tuple[str, int, int] | None = None

    def take(self, line: str) -> str | None:
        """Take a line of standard output; return what a person may be shown of it."""
        if not line.startswith("{"):
            return line or None
        message = json.loads(line)
        reason = message.get("reason")
        if reason == "compiler-artifact":
            return self._artifact(message)
        if reason == "compiler-message":
            return self._diagnostic(message["message"])
        return None

    def _artifact(self, message: dict[str, Any]) -> str | None:
        name = message["target"]["name"]
        (self.fresh if message["fresh"] else self.compiled).append(name)
        if message.get("executable"):
            self.executables[name] = message["executable"]
        return None if message["fresh"] else f"compiled {name}"

    def _diagnostic(self, diagnostic: dict[str, Any]) -> str | None:
        rendered = (diagnostic.get("rendered") or diagnostic.get("message") or "").rstrip()
        if diagnostic.get("level", "").startswith("error"):
            self.errors.append(rendered)
            primary = next((span for span in diagnostic.get("spans", ()) if span.get("is_primary")), None)
            if self.place is None and primary is not None:
                self.place = (primary["file_name"], primary["line_start"], primary["column_start"])
        return rendered
