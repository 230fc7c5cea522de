"""The image holds another program, or no program at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.binary.profile import Format
from orchestrator.parity.suspicion import EVERYTHING_ELSE, Likelihood, Suspicion, listed
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference

_REPAIR = "correct the path in the COPY that brings the program into the shipped stage, or `image.binary` in the spec"
_FORMATS = {
    Format.SCRIPT: "a script",
    Format.PE: "a Windows program",
    Format.MACH_O: "a macOS program",
    Format.OTHER: "no program",
    Format.ELF: "an ELF program",
}
_NO_PROGRAM = frozenset({Format.SCRIPT, Format.OTHER})


def weigh(difference: Difference) -> Suspicion | None:
    """Certain by format, processor or the name of the crate that `main` belongs to; likely when no Rust at all."""
    return _by_format(difference) or _by_entry(difference) or _by_language(difference)


def _by_format(difference: Difference) -> Suspicion | None:
    local, image = difference.local, difference.image
    if local.format is Format.EMPTY:
        return None  # what is missing here is told by `damaged-program`
    if local.format in _NO_PROGRAM and image.format is not local.format and image.format in _FORMATS:
        return _suspect(
            f"the local file is {_FORMATS[local.format]}, and the image's is {_FORMATS[image.format]}",
            repair="name the program that was built here: `target/release/NAME`",
        )
    if image.format is not local.format and image.format in _FORMATS:
        what = _FORMATS[image.format] + (f" for {image.interpreter}" if image.format is Format.SCRIPT else "")
        return _suspect(f"the image's file is {what}, not {_FORMATS.get(local.format, 'what was built')}")
    if image.format is not local.format or image.damage is not None or local.damage is not None:
        return None
    if image.machine != local.machine:
        repair = "build for the processor that the image is for: `FROM --platform=…`, or the target of the toolchain"
        return _suspect(f"the image's program is for {image.machine}, the local one for {local.machine}", repair=repair)
    return None


def _by_entry(difference: Difference) -> Suspicion | None:
    here, there = difference.local_entries, difference.image_entries
    if not here or not there or set(here) & set(there) or of_the_workspace(difference):
        return None
    return _suspect(
        f"the image's program is `{listed(there)}`, the local one is `{listed(here)}`",
        evidence=(Evidence(label="main of", value=f"local {listed(here)}, image {listed(there)}"),),
    )


def of_the_workspace(difference: Difference) -> bool:
    """Return whether the image's program is another binary of the same workspace.

    It is when the run knows a binary of that name, or when it holds functions of the project's own libraries.
    """
    entries = set(difference.image_entries)
    if not entries or entries & set(difference.local_entries):
        return False
    if difference.facts is not None and entries & {name.replace("-", "_") for name in difference.facts.programs}:
        return True
    return any(code.image for code in difference.own if code.crate not in difference.local_entries)


def _by_language(difference: Difference) -> Suspicion | None:
    local, image = difference.local, difference.image
    if not local.rustc_commits or image.rustc_commits or image.damage is not None or image.format is Format.EMPTY:
        return None
    if any(text.startswith("rustc ") for text in image.comment):
        return None
    return _suspect(
        "the local program is written in Rust, and nothing in the image's shows the Rust compiler",
        likelihood=Likelihood.LIKELY,
    )


def _suspect(
    explanation: str,
    *,
    likelihood: Likelihood = Likelihood.CERTAIN,
    repair: str = _REPAIR,
    evidence: tuple[Evidence, ...] = (),
) -> Suspicion:
    return Suspicion(
        cause="other-program",
        likelihood=likelihood,
        explanation=explanation,
        repair=repair,
        evidence=evidence,
        explains=EVERYTHING_ELSE,
    )
