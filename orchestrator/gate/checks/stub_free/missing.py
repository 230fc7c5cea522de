"""Is there a program at all?"""

from __future__ import annotations

import difflib
import posixpath
from typing import TYPE_CHECKING

from orchestrator.gate.checks.stub_free.statement import refused

if TYPE_CHECKING:
    from orchestrator.gate.checks.stub_free.facts import ShippedFacts
    from orchestrator.gate.checks.stub_free.history import History
    from orchestrator.verdict import CheckResult


def is_it_there(facts: ShippedFacts, _history: History) -> CheckResult | None:
    """Refuse an image without a file at the program's path: nothing, a folder, or a link to nowhere."""
    if facts.shipped is not None:
        return None
    near = _nearest(facts)
    meant = f"; did you mean {near}?" if near else ""
    built = f"; {facts.builder_path} of the builder stage is one" if facts.builder else ""
    return refused(
        facts,
        cause="binary-missing",
        message=f"the image has no file {facts.image_path} (suspect: wrong file copied): nothing lies there, or a "
        f"folder, or a link to what the image lacks{built}{meant}",
        line=facts.copies[0] if facts.copies else None,
        repair=f"set `image.binary: {near}` in the spec; or let COPY bring the file to {facts.image_path}"
        if near
        else "let COPY bring the file itself, not its folder and not a link to it; or correct `image.binary` in the "
        "spec",
    )


def _nearest(facts: ShippedFacts) -> str | None:
    """Return the image's executable file that may be meant: of the program's name, or else of the likest path."""
    called = sorted(path for path in facts.image_programs if posixpath.basename(path) == facts.binary)
    close = difflib.get_close_matches(facts.image_path, sorted(facts.image_programs), n=1, cutoff=0.8)
    return next(iter((*called, *close)), None)
