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
WITNESS_FOLDERS = ("/var/tmp/.twinbuild", "/tmp/.twinbuild", "/opt/.twinbuild")  # noqa: S108 - paths inside a build
"""Where the witness of a call may lie in the stage that made it; the first that is writable and no mount."""

_PARTS = (
    "words",
    "sources",
    "metadata.awk",
    "normal.awk",
    "beside.awk",
    "outside.awk",
    "oddly",
    "freshness",
    "marks.awk",
    "handover",
    "kin",
    "sums",
    "programs",
    "witness",
)
_LENT = b"[ ! -r /dev/.twinbuild-certificates/on ] || . /dev/.twinbuild-certificates/on\n"
_OFF = b'if [ -e "${CARGO_HOME:-${HOME-}/.cargo}/registry/.twinbuild" ]; then export CARGO_NET_OFFLINE=true; fi\n'
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
    run = (_SHIM / "exec").read_bytes()
    found = [("off/exec", run, 0o755), ("off/on", _LENT + _OFF, 0o644)]
    for guard in ("enforce", "observe"):
        found += [(f"{guard}/{name}", content, mode) for name, content, mode in guard_files(guard)]
    return found


def guard_files(guard: str) -> list[tuple[str, bytes, int]]:
    """Return what a RUN step sees with a guard (`enforce`, `observe`): (path, content, mode)."""
    return [
        ("at", (_SHIM / "at").read_bytes(), 0o755),
        ("bin/cargo", (_SHIM / "cargo").read_bytes(), 0o755),
        ("exec", (_SHIM / "exec").read_bytes(), 0o755),
        ("folders", "".join(f"{folder}\n" for folder in WITNESS_FOLDERS).encode(), 0o644),
        ("guard", f"{guard}\n".encode(), 0o644),
        *((f"lib/{part}", (_SHIM / "lib" / part).read_bytes(), 0o644) for part in _PARTS),
        ("on", (_SHIM / "on").read_bytes(), 0o644),
    ]


def kin_script() -> str:
    """Return the shell text that tells what two machines must have in common to share artifacts."""
    return (_SHIM / "lib" / "kin").read_text(encoding="utf-8")
