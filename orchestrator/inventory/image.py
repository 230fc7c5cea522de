"""What a base image holds, read once for each image ID: its packages, and what the builder's base compiles with."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from orchestrator.engine.lines import Stream
from orchestrator.inventory.answers import QUESTIONS, side_of
from orchestrator.workspace import memo_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.engine.docker import Engine
    from orchestrator.engine.files import ContainerFiles
    from orchestrator.inventory.model import SideInventory
    from orchestrator.workspace import Workspace

_ANSWER_SECONDS = 60.0
_MEMORY = 512 * 1024 * 1024
_VERSION = 1


def packages_of(engine: Engine, image_id: str, *, workspace: Workspace, labels: Mapping[str, str]) -> dict[str, str]:
    """Return the packages of an image: `<version> sha256:<hex>` by name; empty where no package list is known.

    The digest is that of the list of files and checksums that the package manager keeps, so a package of the same
    version with other content shows. Debian's distroless images keep one status file a package; Alpine's list has a
    checksum of its own.
    """
    key = memo_key({"image": image_id, "version": _VERSION})
    known = workspace.recall("packages", key)
    if isinstance(known, dict):
        return {str(name): str(value) for name, value in known.items()}
    from orchestrator.engine.files import image_files  # noqa: PLC0415 - an image that is known is not read

    with image_files(engine, image_id, labels=labels) as files:
        found = dict(sorted(_debian(files)) or sorted(_alpine(files)))
    workspace.remember("packages", key, found)
    return found


def image_side(
    engine: Engine,
    image_id: str,
    *,
    libraries: bool,
    asked: Mapping[str, str],
    workspace: Workspace,
    labels: Mapping[str, str],
) -> SideInventory:
    """Return what compiles in an image and what it would find, by asking inside it, without a network.

    An image that cannot run anything (no shell, another processor) answers nothing. `asked`: variables for the script.
    """
    key = memo_key({"image": image_id, "asked": QUESTIONS, "given": dict(asked)})
    said = workspace.recall("image-side", key)
    if not isinstance(said, str):
        said = _ask(engine, image_id, asked, labels)
        workspace.remember("image-side", key, said)
    return side_of(said, libraries=libraries)


def _ask(engine: Engine, image_id: str, asked: Mapping[str, str], labels: Mapping[str, str]) -> str:
    from orchestrator.engine.containers import (  # noqa: PLC0415 - an image that is known is not asked
        ContainerRequest,
        RunningContainer,
        StartFailedError,
    )

    heard: list[bytes] = []
    request = ContainerRequest(
        image_id=image_id,
        entrypoint=("/bin/sh", "-c", QUESTIONS),
        command=(),
        environment={**asked, "LC_ALL": "C"},
        network="none",
        read_only=True,
        writable={},
        memory=_MEMORY,
        pids=256,
        cpus=2.0,
        labels=labels,
    )
    with RunningContainer(engine, request) as container:
        try:
            container.start(lambda stream, block: heard.append(block) if stream is Stream.STDOUT else None)
        except StartFailedError:
            return ""
        if container.wait(_ANSWER_SECONDS):
            container.end()
    return b"".join(heard).decode(errors="replace")


def _debian(files: ContainerFiles) -> Iterator[tuple[str, str]]:
    status = files.read("/var/lib/dpkg/status")
    texts = [status] if status else list(files.walk("/var/lib/dpkg/status.d").values())
    lists = files.walk("/var/lib/dpkg/info") if status else {}
    for text in texts:
        for paragraph in text.decode(errors="replace").split("\n\n"):
            said = dict(
                re.findall(r"^(Package|Version|Status|Architecture|Multi-Arch): (.*)$", paragraph, re.MULTILINE)
            )
            if "Package" in said and said.get("Status", "installed").endswith("installed"):
                name = said["Package"]
                qualified = f"{name}:{said.get('Architecture')}"
                content = lists.get(f"{name}.md5sums") or lists.get(f"{qualified}.md5sums")
                yield name, _told(said.get("Version", "unknown"), content)


def _alpine(files: ContainerFiles) -> Iterator[tuple[str, str]]:
    installed = files.read("/lib/apk/db/installed") or b""
    for paragraph in installed.decode(errors="replace").split("\n\n"):
        said = dict(re.findall(r"^([PV]):(.*)$", paragraph, re.MULTILINE))
        if "P" in said:
            yield said["P"], _told(said.get("V", "unknown"), paragraph.encode())


def _told(version: str, content: bytes | None) -> str:
    return f"{version} sha256:{hashlib.sha256(content).hexdigest()}" if content else version
