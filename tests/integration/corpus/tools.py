"""Programs that Dockerfiles call and that no base of the tests has, put into the build context."""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

_BACKPORTS = "deb http://deb.debian.org/debian bookworm-backports main\n"
_PACKAGES = {"upx": ("upx-ucl", "usr/bin/upx-ucl")}
"""Package and path in it, for what only Debian's backports have."""


@functools.cache
def tool_named(name: str) -> bytes:
    """Return a program: of Debian's backports, of the tests' own environment, or of this machine."""
    if name in _PACKAGES:
        return _from_backports(*_PACKAGES[name])
    beside = Path(sys.executable).parent / name
    found = beside if beside.exists() else shutil.which(name)
    if found is None:
        pytest.fail(f"this machine has no {name}, which a case of the corpus puts into its build context")
    return Path(found).resolve().read_bytes()


def _from_backports(package: str, path: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for each in ("lists/partial", "archives/partial", "etc"):
            (place / each).mkdir(parents=True)
        (place / "etc/sources.list").write_text(_BACKPORTS, encoding="utf-8")
        own = {
            "Dir::State::Lists": place / "lists",
            "Dir::Cache": place,
            "Dir::Etc::sourcelist": place / "etc/sources.list",
            "Dir::Etc::sourceparts": "-",
            "APT::Sandbox::User": "root",
        }
        options = [word for key, value in own.items() for word in ("-o", f"{key}={value}")]
        for command in (["update"], ["download", package]):
            subprocess.run(["apt-get", *options, "-qq", *command], cwd=place, check=True, capture_output=True)
        archive = next(place.glob(f"{package}_*.deb"))
        subprocess.run(["dpkg-deb", "-x", archive, place / "files"], check=True)
        return (place / "files" / path).read_bytes()
