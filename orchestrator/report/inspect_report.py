"""One program's profile, for a person or as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from orchestrator.binary.go import modules_of
from orchestrator.binary.names import code_by_crate
from orchestrator.binary.profile import profile_to_json
from orchestrator.report.untrusted import visible
from orchestrator.report.width import wrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.binary.profile import BinaryProfile
    from orchestrator.report.style import Style

_LABEL = 12
_CRATES = 12
_SECTIONS = 8


def dump_profile(origin: str, profile: BinaryProfile) -> str:
    """Return the profile as JSON, with the code's size by crate."""
    value = {"origin": origin, **profile_to_json(profile), "code_by_crate": code_by_crate(profile)}
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def render_profile(origin: str, profile: BinaryProfile, style: Style) -> str:
    """Return the profile on one screen."""
    lines = [style.paint(visible(origin), "bold")]
    for label, text in _facts(profile):
        for number, line in enumerate(wrap(visible(text), style.width - _LABEL - 2)):
            lines.append(f"  {label if number == 0 else '':{_LABEL}}{line}")
    return style.shown("\n".join(lines)) + "\n"


def _facts(profile: BinaryProfile) -> Iterator[tuple[str, str]]:
    program = " ".join(word for word in (profile.format.value, profile.machine, profile.kind) if word)
    always = (("sha256", profile.sha256), ("size", f"{profile.size:,} bytes"), ("program", program))
    yield from always
    yield from ((label, text) for label, text in (*_tables(profile), *_traces(profile)) if text)


def _tables(profile: BinaryProfile) -> Iterator[tuple[str, str | None]]:
    """Yield what the file's tables say; an empty text where they say nothing."""
    newest = _newest_glibc(profile)
    yield "damage", profile.damage
    yield "loader", profile.interpreter
    yield "needs", ", ".join(profile.needed)
    yield "glibc", f"{newest} or newer" if newest else None
    yield "looks in", ", ".join(profile.search)
    yield "build-id", profile.build_id
    if profile.code_sha256 is not None:
        yield "hardening", ", ".join(profile.hardening) or "none"
        yield "symbols", "stripped" if profile.functions is None else f"{len(profile.functions):,} functions"
        yield "debug info", _debug_info(profile)


def _debug_info(profile: BinaryProfile) -> str:
    packed = any("C" in part.flags or part.name.startswith(".zdebug_") for part in profile.sections)
    held = ("yes, compressed" if packed else "yes") if profile.debug_info else "none"
    return f"{held}; more in {', '.join(profile.debug_files)}" if profile.debug_files else held


def _traces(profile: BinaryProfile) -> Iterator[tuple[str, str]]:
    """Yield what tools and sources left behind, and where the bytes are."""
    yield "made by", "; ".join(dict.fromkeys((*profile.go[:1], *profile.comment, *profile.producers)))
    yield "sources in", "; ".join(profile.roots)
    yield "depends on", ", ".join((*profile.crates, *modules_of(profile.go)))
    yield "audited", ", ".join(profile.audited)
    crates = list(code_by_crate(profile).items())[:_CRATES]
    yield "code", ", ".join(f"{crate} {size:,}" for crate, size in crates)
    largest = sorted(profile.sections, key=lambda section: -section.size)[:_SECTIONS]
    yield "sections", ", ".join(f"{section.name} {section.size:,}" for section in largest)


def _newest_glibc(profile: BinaryProfile) -> str | None:
    found = [version.rsplit("GLIBC_", 1)[1] for version in profile.versions if "GLIBC_" in version]
    numbers = [tuple(map(int, text.split("."))) for text in found if text.replace(".", "").isdigit()]
    return ".".join(map(str, max(numbers))) if numbers else None
