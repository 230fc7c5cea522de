"""An image of which only copied files differ is made without its archive, and is the one that the archive gives."""

from __future__ import annotations

import hashlib
import io
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.build.evidence import shipped_program
from orchestrator.build.normalise import normalise
from orchestrator.build.normalised import Normalisation
from orchestrator.dockerfile.layers import layer_instruction
from orchestrator.dockerfile.parse import parse
from orchestrator.engine.hold import Hold
from orchestrator.engine.sweep import run_labels
from orchestrator.workspace import Workspace
from tests.integration.plain_build import plain_build

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from orchestrator.build.normalised import Normalised
    from orchestrator.dockerfile.model import Instruction
    from orchestrator.engine.docker import Engine

pytestmark = pytest.mark.engine

EPOCH = 1_600_000_000
BINARY = "/srv/app/one"
DOCKERFILE = """\
FROM {base} AS builder
COPY . /out/
FROM {base}
RUN echo {nonce} >/etc/marker
COPY entry.sh /usr/local/bin/run-it
COPY --from=builder --chown={owner} /out/one /srv/single
COPY --from=builder --chown=7:8 /out/one /out/two /srv/app/
COPY --from=builder /out/Dockerfile /srv/app/text
WORKDIR /srv/data
ENV A=b
CMD ["/usr/local/bin/run-it"]
"""
AS_WRITTEN = b"as the user wrote it\n"
FIRST = {"one": b"first one", "two": b"the second", "entry.sh": b"#!/bin/sh\n"}


class Watched:
    """An engine whose archives are counted."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self.saves = engine, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def save(self, image_id: str) -> Iterator[bytes]:
        self.saves += 1
        return self._engine.save(image_id)


class Bench:
    """Builds the image out of changing files, and normalises it in one workspace or in a new one."""

    def __init__(self, engine: Engine, base: str, folder: Path) -> None:
        facts = engine.image(base)
        assert facts is not None
        self.engine, self.folder, self._layers = engine, folder, facts.layers
        self.watched: Any = Watched(engine)
        tag = next(tag for tag in facts.tags if tag.startswith("twinbuild.local/"))
        self.text = DOCKERFILE.format(base=tag, nonce=folder.name, owner="7:8")
        self.made: list[str] = []

    def image(self, files: Mapping[str, bytes], *, mode: int = 0o755) -> str:
        """Build, and return the raw image."""
        with tarfile.open(self.folder / "context.tar", "w") as tar:
            for name, content in {**files, "Dockerfile": self.text.encode()}.items():
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(content), mode if name == "one" else 0o755
                tar.addfile(entry, io.BytesIO(content))
        self.made.append(plain_build(self.engine, self.folder / "context.tar"))
        return self.made[-1]

    def normalised(self, raw: str, workspace: str, *, again: bool = True) -> tuple[Normalised, int]:
        """Return the normalised image, and how many archives were read for it; `again`: whether that can be none."""
        dockerfile = parse(self.text, file="Dockerfile", arguments={})
        sent = hashlib.sha256(self.text.encode()).hexdigest()
        how = Normalisation(epoch=EPOCH, base_layers=tuple(self._layers), restored={sent: AS_WRITTEN}, binary=BINARY)

        def made_by(keyword: str, after: int) -> Instruction | None:
            return layer_instruction(dockerfile, None, keyword=keyword, after=after)

        before = self.watched.saves
        with Hold(self.engine, run_labels(self.folder, "test")) as hold:
            assert hold.keep(raw)
            place = Workspace.open(self.folder / workspace)
            made = normalise(self.watched, raw, how, workspace=place, hold=hold, made_by=made_by, again=again)
            self.made.append(made.name)
            return made, self.watched.saves - before


@pytest.fixture
def bench(engine: Engine, slim_base: str, tmp_path: Path) -> Iterator[Bench]:
    """Return the bench, with the first image made."""
    made = Bench(engine, slim_base, tmp_path)
    _, saves = made.normalised(made.image(FIRST), "own")
    assert saves == 1
    yield made
    for image in made.made:
        engine.remove_image(image)


def test_changed_files_are_read_out_of_the_image(bench: Bench) -> None:
    """Time after time; the layers above them are written anew as well, and the program is at hand already."""
    for number, change in enumerate(({"one": b"another"}, {"two": b"x" * 9_000_000}, {"entry.sh": b"#!/bin/sh\n:\n"})):
        raw = bench.image({**FIRST, **change})
        again, saves = bench.normalised(raw, "own")
        afresh, full = bench.normalised(raw, f"new-{number}")
        assert again == afresh
        assert (saves, full) == (1 if bench.engine.names_manifests else 0, 1)
        for place in ("own", f"new-{number}"):
            workspace = Workspace.open(bench.folder / place)
            # An engine that cannot be reached shows that nobody asks it.
            unasked: Any = None
            program = shipped_program(unasked, again.name, BINARY, workspace=workspace, labels={})
            assert program is not None
            assert program.path.read_bytes() == {**FIRST, **change}["one"]


def test_a_run_that_shares_nothing_reads_the_archive(bench: Bench) -> None:
    """As a release does: whatever is remembered."""
    raw = bench.image({**FIRST, "one": b"another"})
    afresh, saves = bench.normalised(raw, "own", again=False)
    assert saves == 1
    assert bench.normalised(raw, "own")[0] == afresh


@pytest.mark.parametrize("what", ["rights", "a folder", "equal sizes", "another step", "lost"])
def test_anything_else_is_read_as_ever(bench: Bench, what: str) -> None:
    """What is not surely a file's content, and an engine that lost the layers: all of it comes from the archive."""
    changed = {**FIRST, "one": b"another"}
    if what == "a folder":
        del changed["one"]
        changed |= {"one/one": b"in a folder", "one/more": b"."}
    if what == "equal sizes":
        changed["one"] = changed["two"]
    if what == "another step":
        bench.text = bench.text.replace("ENV A=b", "ENV A=c")
    if what == "lost":
        bench.engine.remove_image(bench.made.pop())
        bench.engine.remove_image(bench.made.pop())
    raw = bench.image(changed, mode=0o700 if what == "rights" else 0o755)
    again, saves = bench.normalised(raw, "own")
    assert saves == 1
    assert again == bench.normalised(raw, "new")[0]
