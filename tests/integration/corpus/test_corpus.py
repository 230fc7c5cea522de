"""The corpus: small projects with wild Dockerfiles, each really built. A wrong program ships raw, and never with us.

Each case is proved thrice: what the untouched Dockerfile ships (a context whose files are older than all artifacts),
what `invoke build` says with the guard on (healed and proved, or refused with cause and line), and what it says when
the guard only observes.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.conftest import RECIPES, Project, Run
from tests.integration.corpus.case import Case, Outcome, every_case
from tests.integration.corpus.conftest import Row
from tests.integration.corpus.raw import Ran, raw_build, run_image, shipped_sha256

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from orchestrator.engine.docker import Engine

pytestmark = [pytest.mark.engine, pytest.mark.cargo]

NONCE = b"@NONCE@"
"""In a Dockerfile, the id of a cache mount of this run alone."""


def _cases() -> list[Any]:
    return [
        pytest.param(case, id=case.name, marks=[pytest.mark.xfail(reason=case.fails)] if case.fails else [])
        for case in every_case()
    ]


@pytest.fixture
def stand(case: Case, engine: Engine, project: Project, pins: Mapping[str, str], tmp_path: Path) -> Iterator[_Stand]:
    """Return the case on the engine; what was made for it is removed afterwards."""
    made = _Stand(case, engine, project, pins, tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("case", _cases())
def test_no_wrong_program_ships(case: Case, stand: _Stand, rows: list[Row]) -> None:
    """Raw it ships what the case says; with the guard the program that was written, or nothing."""
    row = Row(case=case.name, taxonomy=" ".join(case.taxonomy))
    rows.append(row)
    began = time.monotonic()
    try:
        stand.prepare()
        raw = stand.raw()
        row.raw = _shown(raw.ran, case)
        assert (raw.ran.prints.strip(), raw.ran.exit_code) == (case.raw_prints, case.raw_exit), "the raw claim"
        enforced = stand.guarded("enforce")
        row.enforce = _answer(enforced)
        observed = stand.guarded("observe")
        row.observe = _answer(observed)
        row.cause, row.line = _where(observed if enforced.exit_code == 0 else enforced)
        stand.hold(enforced, case.enforce, raw)
        stand.hold(observed, case.observe, raw)
    finally:
        row.seconds = f"{time.monotonic() - began:.1f}"


class _Raw:
    """The untouched Dockerfile's image, run; `sha256`: of its program."""

    def __init__(self, ran: Ran, sha256: str | None) -> None:
        self.ran, self.sha256 = ran, sha256


class _Stand:
    """A case on the engine."""

    def __init__(self, case: Case, engine: Engine, project: Project, pins: Mapping[str, str], scratch: Path) -> None:
        self._case, self._engine, self._project, self._pins, self._scratch = case, engine, project, pins, scratch
        self._nonce = secrets.token_hex(4).encode()
        self._made: list[str] = []
        self._target: dict[str, bytes] = {}

    def prepare(self) -> None:
        """Bring about what was there before: an older image, filled cache mounts, a target directory of the host."""
        before = {name: text.replace(NONCE, self._nonce) for name, text in self._case.files(earlier=True).items()}
        for need in self._case.prepare:
            if need == "target":
                self._target = _host_target(before, self._scratch / "host")
            else:
                self._made.append(raw_build(self._engine, before, pins=self._pins, scratch=self._scratch))
                if need != "build":
                    self._engine.tag(self._made[-1], need)
                    self._made.append(need)

    def files(self) -> dict[str, bytes]:
        found = {name: text.replace(NONCE, self._nonce) for name, text in self._case.files().items()}
        return found | self._target

    def raw(self) -> _Raw:
        image = raw_build(self._engine, self.files(), pins=self._pins, scratch=self._scratch)
        self._made.append(image)
        sha256 = shipped_sha256(self._engine, image, self._case.binary)
        return _Raw(run_image(self._engine, image), sha256)

    def guarded(self, guard: str) -> Run:
        if guard == "observe" and b"type=cache" in self._case.files()["Dockerfile"]:
            # The guard's run has brought its cache mounts up to date: observing needs the ones of before.
            self._nonce = secrets.token_hex(4).encode()
            self.prepare()
        recipes = {name: recipe.model_dump(mode="json", exclude_none=True) for name, recipe in RECIPES.items()}
        spec = self._case.buildspec(guard=guard, tag=self._project.tag, bases=recipes)
        self._project.write({**self.files(), "buildspec.yaml": spec})
        for name, content in self.files().items():
            if content.startswith((b"#!", b"\x7fELF")):
                (self._project.folder / name).chmod(0o755)
        return self._project.build()

    def hold(self, run: Run, expected: Outcome, raw: _Raw) -> None:
        """Hold a run against what the case says."""
        assert run.record["verdict"], run.record["failure"]
        check = run.check("stub-free")
        shown = f"{check['message']}\n" + "\n".join(f"{each['label']}: {each['value']}" for each in check["evidence"])
        assert expected.says in shown, shown
        if expected.cause is not None:
            line = (check["location"] or {}).get("line")
            assert (run.exit_code, check["cause"], line) == (1, expected.cause, expected.line), shown
            assert not run.record["image"]["promoted"]
            return
        assert run.exit_code == 0, run.record["checks"]
        assert check["status"] == "passed", shown
        ran = run_image(self._engine, run.record["image"]["candidate_id"])
        assert (ran.prints.strip(), ran.exit_code) == (self._case.prints, 0)
        if self._case.sound:
            assert run.record["programs"][2]["sha256"] == raw.sha256, "another program than the plain build's"

    def close(self) -> None:
        for image in reversed(self._made):
            self._engine.remove_image(image)


def _host_target(files: Mapping[str, bytes], folder: Path) -> dict[str, bytes]:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    subprocess.run(["cargo", "build", "--release", "--offline", "--quiet"], cwd=folder, env=os.environ, check=True)
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in (folder / "target").rglob("*") if path.is_file()
    }


def _shown(ran: Ran, case: Case) -> str:
    what = "the truth" if ran.prints.strip() == case.prints else ran.prints.strip() or "nothing"
    return what if ran.exit_code == 0 else f"{what}, exit {ran.exit_code}"


def _answer(run: Run) -> str:
    if not run.record["verdict"]:
        return f"no verdict: {run.record['failure']['cause']}"
    return "passed" if run.exit_code == 0 else "refused"


def _where(run: Run) -> tuple[str, str]:
    if not run.record["verdict"]:
        return run.cause or "-", "-"
    check = run.check("stub-free")
    return check["cause"] or "-", str((check["location"] or {}).get("line") or "-")
