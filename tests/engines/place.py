"""Where engines are kept: outside the repository, and made once."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.engines.release import Release

_PACKAGES = ("docker.io", "iproute2", "procps", "fuse-overlayfs")
"""procps: the engine lists processes with `ps`. fuse-overlayfs: for machines whose folders cannot be overlaid."""

_MADE = ".made"


def cache(environment: Mapping[str, str]) -> Path:
    """Return the folder of all engines."""
    base = environment.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(environment.get("TWINBUILD_ENGINES") or f"{base}/twinbuild/engines").resolve()


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep others from what this process does in a folder; whoever dies lets go."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def system_of(release: Release, root: Path) -> Path:
    """Return the folder with the release's Debian system, making it where there is none (about a minute)."""
    folder = root / f"system-{release.suite}"
    with held(root):
        if (folder / _MADE).exists():
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(_PACKAGES)}"]
        command += [f"--aptopt={option}" for option in release.apt]
        subprocess.run([*command, release.suite, str(folder)], check=True)
        (folder / _MADE).touch()
    return folder
