"""The image with the tool's files for RUN steps: one constant, so that no cache key ever changes with it."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING

from orchestrator.engine.archive import load_files

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.engine.docker import Engine

_REPOSITORY = "twinbuild.local/tools"
_SHIM = files("orchestrator.toolchains.cargo") / "shim"
_OFF = b'if [ -e "${CARGO_HOME:-$HOME/.cargo}/registry/.twinbuild" ]; then export CARGO_NET_OFFLINE=true; fi\n'
"""With the guard off no cargo of ours stands in PATH; the crates are still found."""


def tools_image(engine: Engine, *, scratch: Path) -> str:
    """Return the tag of the tools image, making it where the engine has none.

    It holds one folder a guard (`/enforce`, `/observe`, `/off`); a RUN step sees just one of them.
    """
    contents = list(_contents())
    total = hashlib.sha256()
    for name, content, mode in contents:
        total.update(f"{name} {mode} {len(content)}\n".encode() + content)
    return load_files(engine, f"{_REPOSITORY}:{total.hexdigest()[:16]}", contents, scratch=scratch)


def _contents() -> list[tuple[str, bytes, int]]:
    on, run, cargo = ((_SHIM / name).read_bytes() for name in ("on", "exec", "cargo"))
    found = [("off/exec", run, 0o755), ("off/on", _OFF, 0o644)]
    for guard in ("enforce", "observe"):
        found += [
            (f"{guard}/bin/cargo", cargo, 0o755),
            (f"{guard}/exec", run, 0o755),
            (f"{guard}/guard", f"{guard}\n".encode(), 0o644),
            (f"{guard}/on", on, 0o644),
        ]
    return found
