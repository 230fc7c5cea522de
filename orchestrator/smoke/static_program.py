"""Programs of our own for containers: one C file each, compiled on this machine when it is needed."""

from __future__ import annotations

import platform
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.engine.process import run
from orchestrator.errors import NoVerdictError

if TYPE_CHECKING:
    from orchestrator.engine.image_facts import ImageFacts

_COMPILE_SECONDS = 30.0
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def static_program(name: str, image: ImageFacts) -> bytes | None:
    """Return a program that runs in any container of an image.

    Args:
        name: of the C file in this package.
        image: what it is for.

    Returns:
        None where there is no C compiler (`cc -static`), or the image is for another processor than this machine's.
    """
    if _ARCHITECTURES.get(platform.machine()) != image.architecture:
        return None
    with tempfile.TemporaryDirectory(prefix="twinbuild-") as folder:
        out = Path(folder) / "program"
        source = (files("orchestrator.smoke") / name).read_bytes()
        words = ["cc", "-x", "c", "-", "-static", "-O1", "-s", "-o", str(out)]
        try:
            done = run(words, stdin=source, timeout=_COMPILE_SECONDS)
        except NoVerdictError:
            return None
        return None if done.exit_code else out.read_bytes()
