"""What a failed call of cargo was about, where no typed message says it.

The only place that reads text made for people. Each pattern has a recorded sample in tests/unit/cargo.
"""

from __future__ import annotations

import re

_ABSENT = (
    re.compile(r"linker `(?P<tool>[^`]+)` not found"),  # rustc
    re.compile(r'failed to find tool "(?P<tool>[^"]+)"'),  # the cc crate
    re.compile(r"Is `(?P<tool>[^`]+)` installed\?"),  # the cc crate before 1.1
    re.compile(r"is `(?P<tool>[^`]+)` not installed\?"),  # the cmake crate
    re.compile(r"Could not find `(?P<tool>protoc)`"),  # the prost-build crate
    re.compile(r"The (?P<tool>pkg-config) command could not be found"),  # the pkg-config crate
)
_COMPILERS = {"clang": "clang", "c++": "c++", "g++": "c++", "gcc": "cc"}
_OLD_LOCK = re.compile(
    r"cannot update the lock file|lock file .* needs to be updated but"
    # Every package that the lock file names is at hand, so one that is missed is none of these.
    r"|no matching package named [\s\S]*you're using offline mode"
)
_NO_LOCK = re.compile(r"failed to parse lock file at")
_FULL = re.compile(r"No space left on device|os error 28\b")
_BUS_ERROR = re.compile(r"terminated with signal 7\b|\bsignal: 7(?: \(|, )SIGBUS")
"""As collect2, rustc and cargo tell it: lld and mold write through mapped memory, and a full disk kills them."""
_SCRIPT = re.compile(r"failed to run custom build command for `(?P<package>[^ `]+)")
_KEPT_LINES = 60


def absent_tool(said: str) -> str | None:
    """Return the program that the build wanted and this machine lacks, or None."""
    for pattern in _ABSENT:
        match = pattern.search(said)
        if match is not None:
            tool = match["tool"].rsplit("/", 1)[-1].removeprefix("x86_64-linux-gnu-").removeprefix("aarch64-linux-gnu-")
            return _COMPILERS.get(tool, tool)
    return None


def disk_full(said: str) -> bool:
    """Return whether a disk was full."""
    return _FULL.search(said) is not None


def bus_error(said: str) -> bool:
    """Return whether a linker was ended by SIGBUS, which a full disk may have caused."""
    return _BUS_ERROR.search(said) is not None


def failed_script(said: str) -> str | None:
    """Return the package whose build script failed, or None."""
    match = _SCRIPT.search(said)
    return match["package"] if match is not None else None


def lock_outdated(said: str) -> bool:
    """Return whether Cargo.lock does not fit the manifests."""
    return _OLD_LOCK.search(said) is not None


def lock_unreadable(said: str) -> bool:
    """Return whether cargo cannot read Cargo.lock: it is damaged, or a newer cargo's."""
    return _NO_LOCK.search(said) is not None


def last_words(said: str) -> tuple[str, ...]:
    """Return what cargo said from its first error on: what came before is progress."""
    lines = said.strip().splitlines()
    first = next((number for number, line in enumerate(lines) if line.startswith("error")), 0)
    return tuple(lines[first:][:_KEPT_LINES])
