"""The host's certificate authorities, lent to RUN steps by a mount: no layer ever holds them.

Networks with an authority of their own (a company's proxy) need it for every download. Copied into an image, it would
be trusted wherever that image runs.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.engine.archive import load_files
from orchestrator.errors import ToolMissingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.engine.docker import Engine

_REPOSITORY = "twinbuild.local/certificates"
_PLACES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where Debian, Fedora, SUSE, and Alpine and macOS keep the bundle."""

_APT = b'Acquire::https::CAInfo "/dev/.twinbuild-certificates/ca.crt";\n'


def certificates_image(engine: Engine, *, environment: Mapping[str, str], scratch: Path) -> str:
    """Return the tag of an image with this machine's bundle, making it where the engine has none.

    Args:
        engine: where it is loaded.
        environment: the caller's variables; SSL_CERT_FILE names another bundle than the system's.
        scratch: folder for the layer while it is made.

    Raises:
        ToolMissingError: this machine has no bundle.
    """
    bundle = _bundle(environment)
    contents = [
        ("apt.conf", _APT, 0o644),
        ("ca.crt", bundle, 0o644),
        ("on", (files("orchestrator.bases") / "certificates_on.sh").read_bytes(), 0o644),
    ]
    total = hashlib.sha256()
    for name, content, _ in contents:
        total.update(f"{name} {len(content)}\n".encode() + content)
    return load_files(engine, f"{_REPOSITORY}:{total.hexdigest()[:16]}", contents, scratch=scratch)


def _bundle(environment: Mapping[str, str]) -> bytes:
    named = environment.get("SSL_CERT_FILE")
    for place in [named] if named else _PLACES:
        try:
            return Path(place).read_bytes()
        except OSError:
            continue
    where = f"SSL_CERT_FILE names {named}, which cannot be read" if named else f"none of {', '.join(_PLACES)} is there"
    raise ToolMissingError(
        f"`network: {{certificates: host}}` lends this machine's certificate authorities, and {where}",
        repair="sudo apt-get install -y --no-install-recommends ca-certificates, or name a bundle in SSL_CERT_FILE",
    )
