"""What the spec may say of base images that the engine does not have: a proposal that fits their names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.bases.recipe import promised_otherwise
from orchestrator.errors import BaseUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.bases.image import HostToolchain

_SUITE = re.compile(r"(?<![a-z])(stretch|buster|bullseye|bookworm|trixie|forky|sid)(?![a-z])")
"""Debian's releases by name (debian.org/releases), as tags of official images have them."""

_CURRENT = "bookworm"
_NOT_DEBIAN = re.compile(
    r"alpine|musl|ubuntu|fedora|centos|rockylinux|almalinux|opensuse|amazonlinux|archlinux|distroless|chainguard"
    r"|busybox|wolfi|nixos|ubi\d?"
)


def unavailable(references: Sequence[str], toolchain: HostToolchain | None) -> BaseUnavailableError:
    """Return the error for bases that are neither on the engine nor in the spec, all of them at once."""
    several = len(references) > 1
    return BaseUnavailableError(
        f"the Dockerfile builds on {', '.join(references)}, which the engine does not have and the spec does not name",
        repair=f"{' && '.join(f'docker pull {each}' for each in references)}, or say in the spec where "
        f"{'they come' if several else 'it comes'} from, for example",
        detail=("bases:", *(line for each in references for line in _proposed(each, toolchain))),
    )


def _proposed(reference: str, toolchain: HostToolchain | None) -> Iterator[str]:
    if _NOT_DEBIAN.search(reference.lower()):
        yield f"  {reference}: {{pull: {{digest: sha256:…}}}}  # no Debian: it cannot be made from packages"
        return
    found = _SUITE.search(reference)
    suite = found[1] if found else _CURRENT
    if reference.rsplit("/", 1)[-1].startswith("rust"):
        packages, rest = "ca-certificates, gcc, libc6-dev", ", toolchain: host"
        promised = promised_otherwise(reference, toolchain) if toolchain is not None else None
        if toolchain is not None and promised is not None:
            yield f"  # needs Rust {promised} on this machine, which has {toolchain.version}, or another FROM"
    else:
        packages, rest = "ca-certificates", ""
    yield f"  {reference}: {{bootstrap: {{suite: {suite}, packages: [{packages}]{rest}}}}}"
