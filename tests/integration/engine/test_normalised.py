"""The same files give the same image ID, on a real engine and without any cache."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.bases.identity import image_id_of
from orchestrator.build.normalise import normalise
from orchestrator.build.normalised import Normalisation, normalised_before
from orchestrator.engine.docker import Engine
from orchestrator.workspace import Workspace
from tests.integration.plain_build import plain_build
from tests.integration.saved import saved_layers

pytestmark = pytest.mark.engine
EPOCH = 1_600_000_000
DOCKERFILE = """\
FROM {base}
RUN mkdir -p /opt/data/{deep} && echo one >/opt/data/file && ln /opt/data/file /opt/data/hard \\
 && ln -s file /opt/data/soft && touch -d 2001-01-01 /opt/data/old && mknod /opt/data/null c 1 3 \\
 && mkfifo /opt/data/pipe && chown 1234:4321 /opt/data/file && chmod 4755 /opt/data/old
RUN true
RUN true
RUN rm /opt/data/soft /etc/issue && mkdir -p /tmp/.twinbuild && date >/tmp/.twinbuild/state
COPY --chown=7:7 Dockerfile /opt/
ENV A=b
CMD ["/bin/cat", "/opt/data/file"]
"""


@pytest.fixture
def built(engine: Engine, slim_base: str, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Build the image without caches and return its raw id; a second build is at another time."""
    made = []
    facts = engine.image(slim_base)
    assert facts is not None
    text = DOCKERFILE.format(base=next(tag for tag in facts.tags if tag.startswith("twinbuild.local/")), deep="d/" * 60)

    def build() -> str:
        with tarfile.open(tmp_path / "context.tar", "w") as tar:
            entry = tarfile.TarInfo("Dockerfile")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
        made.append(plain_build(engine, tmp_path / "context.tar", no_cache=True))
        return made[-1]

    yield build
    for image in made:
        engine.remove_image(image)


def test_two_uncached_builds_have_one_id(
    engine: Engine, slim_base: str, built: Callable[[], str], tmp_path: Path
) -> None:
    """Times differ in the raw images and nothing in the normalised ones; the base's layers are its own."""
    base = engine.image(slim_base)
    assert base is not None
    how = Normalisation(epoch=EPOCH, base_layers=base.layers, restored={})
    raw = [built()]
    time.sleep(1.1)
    raw.append(built())
    assert raw[0] != raw[1]
    first, second = (
        normalise(engine, image, how, workspace=Workspace.open(tmp_path / str(n))) for n, image in enumerate(raw)
    )
    try:
        assert first.image_id == second.image_id
        facts = engine.image(first.name)
        assert facts is not None
        assert facts.layers[: len(base.layers)] == base.layers
        assert len(facts.layers) == len(base.layers) + 5
        assert facts.command == ("/bin/cat", "/opt/data/file")
        assert facts.environment["A"] == "b"
        # Once more from its memo, and from the normalised image itself.
        workspace = Workspace.open(tmp_path / "0")
        assert normalised_before(engine, raw[0], how, workspace=workspace) == first
        assert normalised_before(engine, raw[1], how, workspace=workspace) is None
        assert first.touched >= {"file", "null", "soft", "issue"}
        assert not first.touched & {"libc.so.6", "data", "opt"}
        assert normalise(engine, first.name, how, workspace=workspace).image_id == first.image_id
        assert image_id_of(engine, first.name, workspace=workspace) == first.image_id
        found = entries(engine, first.name)
        # Layers that were cached before the commit that the epoch is the time of.
        late = Normalisation(epoch=int(time.time()) + 3600, base_layers=base.layers, restored={})
        cached, anew = (
            normalise(engine, image, late, workspace=Workspace.open(tmp_path / f"late-{n}"))
            for n, image in enumerate(raw)
        )
        assert cached == anew
        assert cached.image_id != first.image_id
        engine.remove_image(cached.name)
    finally:
        engine.remove_image(first.name)
    assert found["opt/data/file"].uid == 1234
    assert found["opt/data/hard"].islnk() or found["opt/data/file"].islnk()
    assert found["opt/data/old"].mtime < EPOCH
    assert found["opt/data/old"].mode == 0o4755
    assert found["opt/data/null"].ischr()
    assert found["opt/data/pipe"].isfifo()
    assert {"opt/data/.wh.soft", "etc/.wh.issue"} <= set(found)
    assert not [name for name in found if ".twinbuild" in name]
    assert max(entry.mtime for entry in found.values()) <= EPOCH


def entries(engine: Engine, image: str) -> dict[str, tarfile.TarInfo]:
    """Return what the upper layers of an image hold."""
    found: dict[str, tarfile.TarInfo] = {}
    for layer in saved_layers(engine, image):
        if "usr/bin" not in layer:
            found |= layer
    return found
