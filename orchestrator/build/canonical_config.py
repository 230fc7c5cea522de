"""An image's configuration in one form, whichever engine wrote it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestrator.build.history import canonical_history

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CONFIG_KEPT = frozenset({"architecture", "author", "config", "os", "variant", "os.version"})
"""What of an image's configuration says something about the image; the rest is about who built it and when."""

_RUN_CONFIG_DROPPED = frozenset({"Hostname", "Domainname", "Image", "AttachStdin", "AttachStdout", "AttachStderr"})


def canonical_config(config: Mapping[str, Any], kept: int, layers: Sequence[str], *, epoch: int) -> bytes:
    """Return the configuration of an image whose layers above its base were rewritten; its sha256 is the image ID.

    Args:
        config: as the engine wrote it.
        kept: how many layers are the base's.
        layers: diff ids of those above, as rewritten.
        epoch: seconds since 1970, the image's and each layer's date.
    """
    created = datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    canonical = {key: value for key, value in config.items() if key in _CONFIG_KEPT}
    canonical["config"] = {
        key: value
        for key, value in (config.get("config") or {}).items()
        if key not in _RUN_CONFIG_DROPPED and value not in (None, "", False, [], {})
    }
    canonical["created"] = created
    canonical["history"] = list(canonical_history(config.get("history") or (), kept, created))
    canonical["rootfs"] = {
        "type": "layers",
        "diff_ids": [*config["rootfs"]["diff_ids"][:kept], *layers],
    }
    return json.dumps(canonical, sort_keys=True, separators=(",", ":")).encode()
