"""Programs for Windows and macOS, read with LIEF: enough to say what they are and what they need.

A Linux image has no use for them, so they are rare, and what they hold is not compared beyond this. LIEF costs more
than half a second to import, so it is imported here alone and only for such a file.
It answers None for what it cannot read.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from orchestrator.binary.profile import BinaryProfile, Format, SectionFacts

if TYPE_CHECKING:
    from pathlib import Path

_LARGEST = 1 << 28
"""Bytes; LIEF reads a file into memory, more than once."""


def read_foreign(path: Path, basis: BinaryProfile) -> BinaryProfile:
    """Add to a profile what a PE or Mach-O file says of itself.

    Args:
        path: the file, for LIEF, which maps it itself.
        basis: the profile so far: digest, size and format.
    """
    if basis.size > _LARGEST:
        return basis
    import lief  # noqa: PLC0415 - half a second, see above

    lief.logging.disable()
    # A value that LIEF does not know becomes a number, with this warning.
    warnings.filterwarnings("ignore", message=r"-?\d+ is not a valid ", category=RuntimeWarning)
    try:
        if basis.format is Format.PE:
            return _pe(lief.PE.parse(str(path)), basis)
        fat = lief.MachO.parse(str(path))
        return _mach_o(fat.at(0) if fat is not None and fat.size else None, basis)
    except UnicodeDecodeError as error:
        return replace(basis, damage=f"it holds a name that is no text: {error.object[:40]!r}")


def _pe(binary: Any, basis: BinaryProfile) -> BinaryProfile:
    if binary is None:
        return replace(basis, damage="it begins like a Windows program and cannot be read as one")
    return replace(
        basis,
        machine=_word(binary.header.machine),
        kind="shared-object"
        if binary.header.has_characteristic(type(binary.header).CHARACTERISTICS.DLL)
        else "executable",
        needed=tuple(_text(library.name) for library in binary.imports),
        sections=tuple(_section(section) for section in binary.sections),
        hardening=_pe_hardening(binary),
    )


def _pe_hardening(binary: Any) -> tuple[str, ...]:
    """Return what the load configuration and the header's flags show (Microsoft's PE format, DLL Characteristics)."""
    header, loaded = binary.optional_header, binary.load_configuration
    flags = type(header).DLL_CHARACTERISTICS
    return _there(
        ("pie", header.has(flags.DYNAMIC_BASE)),
        ("high-entropy", header.has(flags.HIGH_ENTROPY_VA)),
        ("canary", bool(loaded is not None and loaded.security_cookie)),
        ("nx", header.has(flags.NX_COMPAT)),
        ("control-flow-guard", header.has(flags.GUARD_CF)),
    )


def _mach_o(binary: Any, basis: BinaryProfile) -> BinaryProfile:
    if binary is None:
        return replace(basis, damage="it begins like a macOS program and cannot be read as one")
    return replace(
        basis,
        machine=_word(binary.header.cpu_type),
        kind="pie" if binary.is_pie else "executable",
        needed=tuple(_text(library.name) for library in binary.libraries),
        sections=tuple(_section(section) for section in binary.sections),
        hardening=_mach_o_hardening(binary),
    )


def _mach_o_hardening(binary: Any) -> tuple[str, ...]:
    names = {_text(symbol.name) for symbol in binary.symbols}
    flags = type(binary.header).FLAGS
    return _there(
        ("pie", binary.is_pie),
        ("canary", "___stack_chk_fail" in names),
        ("nx", not binary.header.has(flags.ALLOW_STACK_EXECUTION)),
        # By the flag: LIEF 1.0's `has_nx_heap` answers the other way round.
        ("nx-heap", binary.header.has(flags.NO_HEAP_EXECUTION)),
        ("fortify", any(name.startswith("___") and name.endswith("_chk") for name in names)),
    )


def _there(*words: tuple[str, bool]) -> tuple[str, ...]:
    return tuple(word for word, there in words if there)


def _section(section: Any) -> SectionFacts:
    return SectionFacts(name=_text(section.name), size=section.size, flags="", sha256=None)


def _word(value: Any) -> str:
    return str(value).rsplit(".", 1)[-1].lower()


def _text(value: Any) -> str:
    """Return a name as text: LIEF hands out bytes for some of the names that are no UTF-8."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
