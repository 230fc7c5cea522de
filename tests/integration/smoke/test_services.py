"""A program with a real PostgreSQL beside it, on both sides; and services that fail, which is never the program's."""

from __future__ import annotations

import json
import os
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from orchestrator.bases.prepare import prepare_bases
from orchestrator.bases.settings import BaseSettings
from orchestrator.gate.checks import behaviour, smoke
from orchestrator.smoke.image import run_image
from orchestrator.smoke.local import AsInImage, Beside, run_local
from orchestrator.smoke.settings import SmokeSettings
from orchestrator.verdict import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.engine.docker import Engine
    from orchestrator.smoke.transcript import Transcript

pytestmark = pytest.mark.engine

POSTGRES = "postgres:bookworm"
PAGE = Path(__file__).parents[3] / "docs/how-to/services.md"
DOCUMENTED = yaml.safe_load("".join(re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)))
"""What the how-to shows, as it stands there."""

PLAN = DOCUMENTED["smoke"] | {
    "expect": {"stdout": ["visit 1 at db:5432"]},
    "stays_up": "100ms",
    "stop": {"within": "5s"},
}


@pytest.fixture(scope="session")
def postgres(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the id of an image with a PostgreSQL, made from Debian packages."""
    made = prepare_bases(
        engine,
        [POSTGRES],
        {POSTGRES: BaseSettings.model_validate_json(json.dumps(DOCUMENTED["bases"][POSTGRES]))},
        toolchain=None,
        scratch=tmp_path_factory.mktemp("postgres"),
        environment=os.environ,
        emit=lambda _event: None,
    )
    return made[POSTGRES].image_id


@pytest.fixture(scope="session")
def visitor(programs: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a program that connects to the database; the images hold it as /t/visitor."""
    path = tmp_path_factory.mktemp("visitor") / "visitor"
    path.write_bytes(programs.files["t/visitor"][0])
    path.chmod(0o755)
    return path


class Stand:
    """Runs a program and an image that holds it, both with their services."""

    def __init__(self, laboratory: Any, program: Path, scratch: Path, services: Mapping[str, str]) -> None:
        self.laboratory, self.program, self.scratch, self.services = laboratory, program, scratch, services

    def image(self, plan: Mapping[str, Any], *words: str) -> Transcript:
        """Run the image."""
        made = self.laboratory.image({"Entrypoint": ["/t/visitor", *words]})
        return run_image(
            self.laboratory.engine, made, read(plan), labels=self.laboratory.labels, cancel=threading.Event(),
            services=self.services,
        )  # fmt: skip

    def local(self, plan: Mapping[str, Any], *words: str, path: str | None = None) -> Transcript:
        """Run the host's program. `path`: PATH, to find bubblewrap in."""
        return run_local(
            self.program, words, read(plan), image=AsInImage(), environment={"PATH": path or os.environ["PATH"]},
            scratch=self.scratch, cancel=threading.Event(),
            beside=Beside(engine=self.laboratory.engine, labels=self.laboratory.labels, images=self.services),
        )  # fmt: skip


def read(plan: Mapping[str, Any]) -> SmokeSettings:
    return SmokeSettings.model_validate_json(json.dumps(plan))


@pytest.fixture
def stand(laboratory: Any, visitor: Path, postgres: str, tmp_path: Path) -> Stand:
    """Return what runs both sides with a database each."""
    return Stand(laboratory, visitor, tmp_path, {"db": postgres})


@pytest.fixture
def helpers(laboratory: Any, visitor: Path, slim_base: str, tmp_path: Path) -> Stand:
    """Return what runs both sides with a small service, for what needs no database."""
    return Stand(laboratory, visitor, tmp_path, {"db": slim_base})


def test_both_sides_reach_a_database_of_their_own(stand: Stand) -> None:
    """By the same name, with a password from a file; each finds it empty, so both see the first visit."""
    local, image = stand.local(PLAN), stand.image(PLAN)
    for side in (local, image):
        assert "visit 1 at db:5432" in side.texts(), side
        assert [(service.name, service.problem) for service in side.services] == [("db", None)]
        assert side.services[0].ready_after > 0
    assert smoke.judge(image, read(PLAN)).status is Status.PASSED, image
    result = behaviour.judge(local, image)
    assert result.status is Status.PASSED, result
    assert "with db" in smoke.judge(image, read(PLAN)).message


def test_a_password_that_is_printed_is_found_and_masked(stand: Stand) -> None:
    """It is made for the run; printing it is what a log must not do."""
    image = stand.image(PLAN, "tell")
    result = smoke.judge(image, read(PLAN))
    assert (result.status, result.cause) == (Status.FAILED, "secret-printed")
    assert "the password is <services.db.password>" in image.texts()


SILENT = {"image": "debian:bookworm-slim", "port": 5432, "command": ["/bin/sh", "-c", "echo waiting; sleep 60"]}


@pytest.mark.parametrize(
    ("service", "says"),
    [
        ({**SILENT, "ready": {"within": "1500ms"}}, "within 1.5 s this did not come: a connection to port 5432"),
        ({**SILENT, "command": ["/bin/sh", "-c", "echo waiting; exit 7"]}, "ended by itself with exit code 7"),
    ],
)
def test_a_service_that_does_not_come_up_is_named_with_its_own_words(
    service: dict[str, Any], says: str, helpers: Stand
) -> None:
    """The program is not started, and nothing is said about it: the check is unknown, which shuts the gate."""
    plan = {**PLAN, "services": {"db": service}}
    local, image = helpers.local(plan), helpers.image(plan)
    for result in (smoke.judge(image, read(plan)), behaviour.judge(local, image)):
        assert (result.status, result.cause) == (Status.UNKNOWN, "service-failed")
        assert "the service db (debian:bookworm-slim) failed beside the image" in result.message
        assert says in result.message
        assert [fact.value for fact in result.evidence] == ["stdout: waiting"]
    assert not image.lines
    assert not local.lines


def test_a_service_that_ends_meanwhile_is_no_fault_of_the_program(helpers: Stand) -> None:
    """It was up, and went away while the program ran."""
    service = {
        **SILENT,
        "command": ["/bin/sh", "-c", "echo up; sleep 0.5; echo gone; exit 1"],
        "ready": {"log": "up", "within": "10s"},
    }
    plan = {"services": {"db": service}, "arguments": ["tell"], "stays_up": "1500ms"}
    made = helpers.laboratory.image({"Entrypoint": ["/t/actor"], "Cmd": []})
    seen = run_image(
        helpers.laboratory.engine, made, read({**plan, "arguments": ["loop"]}), labels=helpers.laboratory.labels,
        cancel=threading.Event(), services=helpers.services,
    )  # fmt: skip
    result = smoke.judge(seen, read(plan))
    assert (result.status, result.cause) == (Status.UNKNOWN, "service-failed")
    assert "ended by itself with exit code 1" in result.message


def test_without_a_sandbox_files_cannot_be_put_in_place(helpers: Stand) -> None:
    """The comparison is unknown then, and says what is lacking."""
    service = {**SILENT, "ready": {"log": "waiting", "within": "10s"}}
    local = helpers.local({**PLAN, "services": {"db": service}}, path="/nowhere")
    assert "`smoke.files` can be put in place only in a sandbox" in (local.unmeetable or "")
    image = local.__class__(side="image", waiting={}, files={})
    assert behaviour.judge(local, image).cause == "local-run-impossible"
