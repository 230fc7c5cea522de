"""Files of container-structure-test and goss, as their authors would write them, held against real images."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.gate.checks.smoke import judge
from orchestrator.smoke.image import run_image
from orchestrator.smoke.settings import SmokeSettings
from orchestrator.spec.peers import read_peers
from orchestrator.verdict import Status

if TYPE_CHECKING:
    from orchestrator.smoke.transcript import Expectation, Transcript

pytestmark = pytest.mark.engine

FOLDER = Path(__file__).parent / "peers"
PLAN = SmokeSettings.model_validate_json(
    json.dumps({"ready": {"http": {"port": 8080}, "within": "20s"}, "stays_up": "100ms"})
)
IMAGE = {
    "Entrypoint": ["/t/actor"],
    "Cmd": ["serve", "0.0.0.0"],  # noqa: S104 - inside a container
    "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TIME_OF_DAY=morning"],
    "ExposedPorts": {"8080/tcp": {}},
    "Volumes": {"/data": {}},
    "WorkingDir": "/opt",
    "User": "1000:1000",
}


@pytest.fixture(scope="session")
def image(laboratory: Any) -> str:
    """Return an image with a configuration to speak of."""
    return str(laboratory.image(IMAGE))


def held(laboratory: Any, image: str, *, structure: tuple[str, ...] = (), goss: tuple[str, ...] = ()) -> Transcript:
    """Return a run of an image with files of peers."""
    peers = read_peers(FOLDER, structure=structure, goss=goss)
    return run_image(laboratory.engine, image, PLAN, labels=laboratory.labels, cancel=threading.Event(), peers=peers)


def problems(seen: Transcript) -> dict[str, str]:
    return {each.name: str(each.problem) for each in seen.expectations if each.failed}


def test_every_kind_of_structure_test_can_hold(laboratory: Any, image: str) -> None:
    """Commands without the entrypoint, files, links and folders, the configuration, copyright files."""
    seen = held(laboratory, image, structure=("holds.yaml",))
    assert problems(seen) == {}
    result = judge(seen, PLAN)
    assert result.status is Status.PASSED
    assert "22 expectations of other tools' files" in result.message


def test_every_kind_of_structure_test_can_fail(laboratory: Any, image: str) -> None:
    """Each with what was found, and the first with its place."""
    seen = held(laboratory, image, structure=("fails.yaml",))
    expected = {
        "commandTests: wrong code": "ended with exit code 4, expected 0",
        "commandTests: wrong output": "standard output does not match 'bye': it is 'hello'",
        "commandTests: excluded error": "standard error matches 'oh'",
        "commandTests: not there": "could not be started",
        "commandTests: not prepared": "before it, `rm /no/such` ended with exit code 1",
        "fileExistenceTests: missing": "/no/such is not there",
        "fileExistenceTests: there": "/bin/sh is there",
        "fileExistenceTests: mode": "has the mode -rw-r--r--, expected -rwxr-xr-x",
        "fileExistenceTests: owner": "belongs to user 0, expected 1000",
        "fileExistenceTests: executable": "expected it to be executable by other",
        "fileExistenceTests: of the engine's": "the engine puts /etc/hosts into every container",
        "fileContentTests: content": "does not match '^11",
        "fileContentTests: no file": "is no regular file",
        "metadataTest: envVars MISSING": "it is not set",
        "metadataTest: entrypoint": "it is ['/t/actor'], expected []",
        "metadataTest: exposedPorts 9090": "the image declares 8080",
        "licenseTests: licenses": "/etc/no-copyright is not there",
    }
    found = problems(seen)
    assert found.keys() == expected.keys()
    assert {name: text for name, text in expected.items() if text not in found[name]} == {}
    result = judge(seen, PLAN)
    assert (result.cause, str(result.location)) == ("expectation-failed", "fails.yaml:4:5")
    assert result.message.startswith(
        "17 of 17 expectations of other tools' files do not hold: commandTests: wrong code"
    )


def test_a_gossfile_is_held_against_the_running_container(laboratory: Any, image: str) -> None:
    """One answer an attribute; what cannot be judged is listed with its reason; the included file's own failures."""
    seen = held(laboratory, image, goss=("goss.yaml",))
    own = [each for each in seen.expectations if each.file == "goss.yaml"]
    assert [each.name for each in own if each.failed] == [], [each for each in own if each.failed]
    assert {(each.name, each.line) for each in own if not each.judged} == {
        ("file /t/crlf.sh", 9),
        ("port udp:53", 25),
        ("http http://example.org/", 31),
        ("dns example.org", 38),
    }
    included = {each.name: each for each in seen.expectations if each.file == "more/wrong.yaml"}
    expected = {
        "file /t/plain: mode": 'it is "0644", expected "0755"',
        "file /t/plain: contents": '"!ELF" does not hold',
        "file /no/such: exists": "it is false, expected true",
        "user daemon: shell": 'it is "/usr/sbin/nologin", expected "/bin/bash"',
        "package nginx: installed": "it is false",
        "process nginx: running": "it is false",
        "port tcp:9090: listening": "it is false",
        "http http://127.0.0.1:8080/: status": "it is 200, expected 404",
        "http http://127.0.0.1:8080/: body": '"all is lost" does not hold',
        "command false: exit-status": "it is 1, expected 0",
    }
    failed = {name: each for name, each in included.items() if each.failed}
    assert failed.keys() == expected.keys()
    assert {name for name, text in expected.items() if text not in str(failed[name].problem)} == set()
    result = judge(seen, PLAN)
    assert (result.cause, str(result.location)) == ("expectation-failed", "more/wrong.yaml:2:28")
    assert next(fact.value for fact in result.evidence if fact.label == "not judged").startswith("goss.yaml:9:")


def test_an_image_without_shell_and_package_list_is_not_passed_over(laboratory: Any, tmp_path: Path) -> None:
    """What cannot be looked at does not hold: nothing is skipped in silence."""
    (tmp_path / "goss.yaml").write_text(
        "command: {ls: {exit-status: 0}, slow: {exec: [/actor, loop], exit-status: 0, timeout: 500}}\n"
        "package: {a: {installed: false}}\n"
    )
    peers = read_peers(tmp_path, structure=(), goss=("goss.yaml",))
    bare = laboratory.image({"Entrypoint": ["/actor"]}, scratch=True)
    plan = SmokeSettings.model_validate_json(json.dumps({"ready": {"log": "ready"}, "writable": []}))
    seen = run_image(laboratory.engine, bare, plan, labels=laboratory.labels, cancel=threading.Event(), peers=peers)
    found: dict[str, Expectation] = {each.name: each for each in seen.expectations}
    assert "the image has no `sh`" in str(found["command ls: exit-status"].problem)
    assert "did not end within 0.5 s" in str(found["command slow: exit-status"].problem)
    assert "no list of dpkg's or apk's" in str(found["package a: installed"].problem)
