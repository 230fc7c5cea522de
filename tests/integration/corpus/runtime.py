"""The image that the corpus' programs run in: what a program of Rust needs of Debian, and nothing else.

The traps are set in the builder stage; of the runtime stage's base the cases want no more than a loader and its
libraries. Engines without a native diff look at every file of a base for each layer above it, and `docker save` gives
all of it.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from tests.integration.corpus.raw import OLD, raw_build

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.engine.docker import Engine

_DOCKERFILE = """\
FROM {slim} AS slim
RUN set -e; mkdir --parents /runtime; cd /; libraries=$(echo usr/lib/*-linux-gnu); \\
    cp --archive --parents --target-directory=/runtime bin lib lib64 etc/passwd etc/group etc/os-release \\
      usr/lib/os-release usr/bin/dash usr/bin/sh usr/lib64 \\
      $libraries/ld-linux* $libraries/libc.so.6 $libraries/libm.so.6 $libraries/libgcc_s.so.1; \\
    mkdir --mode=1777 /runtime/tmp

FROM scratch
COPY --from=slim /runtime /
CMD ["/bin/sh"]
"""


def runtime_image(engine: Engine, slim: str, scratch: Path) -> str:
    """Make the image out of a Debian base, named by its tag, and return a tag of its own.

    No two calls make the same image, so whoever made one may remove it.
    """
    tag = f"twinbuild-test-runtime:{secrets.token_hex(4)}"
    files = {"Dockerfile": _DOCKERFILE.format(slim=slim).encode()}
    engine.tag(raw_build(engine, files, pins={}, scratch=scratch, mtime=OLD), tag)
    return tag
