"""The minimal Debian system that a bootstrapped base starts from, by mmdebstrap."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.bases.recipe import EPOCH
from orchestrator.engine.process import run
from orchestrator.errors import BaseUnavailableError, NoSpaceError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from orchestrator.bases.settings import BootstrapSettings
    from orchestrator.engine.process import Stream

_SLIM = (
    # What Debian's own slim images leave out; the copyright files must stay for the licences' sake.
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/man/*",
)
_HOST_TRACES = (
    # mmdebstrap copies these two from the host (its manual, section SOURCE_DATE_EPOCH); engines mount their own.
    'rm -f "$1/etc/resolv.conf"',
    'echo localhost > "$1/etc/hostname"',
)
_MERGED_USR = Path("/usr/share/mmdebstrap/hooks/maybe-merged-usr")
"""Merges /usr from the start, as debootstrap does for Debian's own images, where the suite asks for it. Without it apt
takes the other way to have that, the package usrmerge, and with it all of perl: 133 instead of 86 MB for bookworm with
ca-certificates. mmdebstrap before 1.0 has no such hook."""
_PASSED_ON = ("http_proxy", "https_proxy", "no_proxy", "PATH", "TMPDIR")


def write_system_layer(
    settings: BootstrapSettings,
    out: Path,
    *,
    environment: Mapping[str, str],
    on_line: Callable[[Stream, str], None],
    cancel: threading.Event | None = None,
) -> None:
    """Write the tar of a minimal Debian system with the packages that the spec names.

    The bytes depend on the packages and on mmdebstrap's release alone: time stamps are clamped to a constant and what
    mmdebstrap copies from the host is taken out again.

    Raises:
        ToolMissingError: there is no mmdebstrap.
        BaseUnavailableError: a package or the archive is not to be had; the last lines say which.
    """
    command = ["mmdebstrap", "--quiet", "--variant=minbase", "--format=tar"]
    command += [f"--include={','.join(settings.packages)}"] if settings.packages else []
    command += [f"--hook-dir={_MERGED_USR}"] if _MERGED_USR.is_dir() else []
    command += [f"--dpkgopt={option}" for option in _SLIM]
    command += [f"--customize-hook={hook}" for hook in _HOST_TRACES]
    command += [settings.suite, str(out)]
    command += [settings.mirror] if settings.mirror else []
    passed = {name: environment[name] for name in _PASSED_ON if name in environment}
    done = run(
        command,
        environment={**passed, "SOURCE_DATE_EPOCH": str(EPOCH), "LC_ALL": "C.UTF-8"},
        on_line=on_line,
        cancel=cancel,
    )
    if done.exit_code:
        out.unlink(missing_ok=True)
        _explain(settings, done.stderr.decode(errors="replace"))


def _explain(settings: BootstrapSettings, said: str) -> None:
    lines = tuple(line for line in said.splitlines() if line.strip())[-8:]
    if any("No space left on device" in line for line in lines):
        raise NoSpaceError("the disk filled up while a base was bootstrapped", detail=lines)
    # What apt says of a version that it does not have, mmdebstrap keeps to itself.
    pinned = [package for package in settings.packages if "=" in package]
    repair = "check the suite and package names under `bases`, and that the package archive can be reached"
    if pinned:
        repair = (
            f"the archive may no longer have {', '.join(pinned)}: take the present version, or name an archive that "
            "keeps old ones as `mirror` (https://snapshot.debian.org/archive/debian/<time>); else c" + repair[1:]
        )
    raise BaseUnavailableError(
        f"mmdebstrap could not make a Debian {settings.suite} system"
        + (f" with {', '.join(settings.packages)}" if settings.packages else ""),
        repair=repair,
        detail=lines,
    )
