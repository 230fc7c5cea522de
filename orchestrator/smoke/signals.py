"""Names of signals, as images and specs write them."""

from __future__ import annotations

import signal

_REAL_TIME = "SIGRTMIN"


def signal_name(written: str | None) -> str:
    """Return the name for an image's STOPSIGNAL (`SIGINT`, `INT`, `2`, `SIGRTMIN+3`); SIGTERM where it has none."""
    if not written:
        return "SIGTERM"
    if written.isdecimal():
        number = int(written)
        if number >= signal.SIGRTMIN:
            return f"{_REAL_TIME}+{number - signal.SIGRTMIN}"
        return signal.Signals(number).name if number in set(signal.Signals) else written
    return written if written.startswith("SIG") else f"SIG{written}"


def signal_number(name: str) -> int:
    """Return the number of a signal by its name; SIGTERM's for a name that this system does not know."""
    if name.startswith(f"{_REAL_TIME}+"):
        return signal.SIGRTMIN + int(name.removeprefix(f"{_REAL_TIME}+"))
    return int(signal.Signals.__members__.get(name, signal.SIGTERM))
