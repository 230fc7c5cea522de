"""The same program on the host and in an image: alike where it is, and told apart where the image is another."""

# ruff: noqa: S104, S108 - addresses and paths inside of containers and sandboxes

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.gate.checks.behaviour import judge
from orchestrator.gate.checks.smoke import judge as judge_smoke
from orchestrator.smoke.image import run_image
from orchestrator.smoke.local import AsInImage, run_local
from orchestrator.smoke.settings import SmokeSettings
from orchestrator.verdict import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.smoke.transcript import Transcript

pytestmark = pytest.mark.engine

SERVES = {
    "ready": {"log": "listening", "http": {"port": 8080}, "within": "20s"},
    "requests": [{"port": 8080, "path": "/a"}, {"port": 8080, "path": "/b"}],
    "stays_up": "200ms",
}
READY = {"ready": {"log": "ready", "within": "5s"}, "stays_up": "200ms", "stop": {"within": "5s"}}


@pytest.fixture(scope="session")
def host_programs(programs: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the images hold under /t."""
    folder = tmp_path_factory.mktemp("host")
    for name, (content, mode) in programs.files.items():
        if name.startswith("t/"):
            (folder / Path(name).name).write_bytes(content)
            (folder / Path(name).name).chmod(mode)
    return folder


@pytest.fixture
def both(laboratory: Any, host_programs: Path, tmp_path: Path) -> Any:
    """Return what runs a program on the host and an image, by one plan, at the same time as a build does."""

    def run(
        plan: dict[str, Any], program: str, arguments: Sequence[str], entrypoint: Sequence[str]
    ) -> tuple[Transcript, Transcript]:
        settings = SmokeSettings.model_validate_json(json.dumps(plan))
        image = laboratory.image({"Entrypoint": list(entrypoint)})
        cancel = threading.Event()
        local = run_local(
            host_programs / program, arguments, settings, image=AsInImage(), environment=os.environ, scratch=tmp_path,
            cancel=cancel,
        )  # fmt: skip
        return local, run_image(laboratory.engine, image, settings, labels=laboratory.labels, cancel=cancel)

    return run


def test_a_server_answers_alike_on_both_sides(both: Any) -> None:
    """Each in a network of its own, so both have port 8080; probes and requests reach into each."""
    words = ("serve", "0.0.0.0")
    local, image = both(SERVES, "actor", words, ("/t/actor", *words))
    result = judge(local, image)
    assert result.status is Status.PASSED, (result, local, image)
    assert [answer.body for answer in local.answers] == ["all is well\n"] * 2
    assert local.answers == image.answers


def test_another_answer_is_another_program(both: Any) -> None:
    """Two requests fail in the image before it recovers; the host's never do."""
    plan = {**SERVES, "ready": {"log": "listening"}}
    local, image = both(plan, "actor", ("serve", "0.0.0.0"), ("/t/actor", "serve", "0.0.0.0", "2"))
    assert "GET :8080/a: local answers 200, the image 500" in judge(local, image).message


def test_a_stub_never_reaches_main(both: Any) -> None:
    """The seed's comparison: lines and a marker on the host, nothing in the image."""
    plan = {**READY, "ready": {"log": "ready", "within": "1s"}, "expect": {"files": ["/tmp/marker"]}}
    local, image = both(plan, "job-and-stay.sh", ("/tmp/marker",), ("/bin/true",))
    result = judge(local, image)
    assert "`main` was never reached (no /tmp/marker)" in result.message, (local, image)


def test_a_script_on_the_host_leaves_its_marker_in_a_folder_of_its_own(both: Any) -> None:
    """What the host's run writes to /tmp is seen, and is not in this machine's /tmp."""
    marker = f"/tmp/marker-{os.getpid()}"
    plan = {**READY, "ready": {"file": marker, "within": "5s"}, "expect": {"files": [marker]}}
    local, image = both(plan, "job-and-stay.sh", (marker,), ("/t/job-and-stay.sh", marker))
    assert (local.files, image.files) == ({marker: True}, {marker: True}), (local, image)
    assert not Path(marker).exists()
    assert judge(local, image).status is Status.PASSED


@pytest.mark.parametrize("folder", ["/data", "/var/lib/an-app/state", "/run/an-app"])
def test_a_folder_that_only_the_image_would_have_is_writable_on_both_sides(folder: str, both: Any) -> None:
    """This machine need not have it, and does not get it."""
    had = Path(folder).exists()
    marker = f"{folder}/marker"
    plan = {**READY, "writable": [folder], "expect": {"files": [marker]}}
    local, image = both(plan, "job-and-stay.sh", (marker,), ("/t/job-and-stay.sh", marker))
    assert (local.files, image.files) == ({marker: True}, {marker: True}), (local, image)
    assert judge(local, image).status is Status.PASSED
    assert Path(folder).exists() is had


def test_the_order_in_which_children_print_is_no_difference(both: Any) -> None:
    """Eight at once, on each side in an order of its own."""
    local, image = both(READY, "crowd.sh", (), ("/t/crowd.sh",))
    result = judge(local, image)
    assert result.status is Status.PASSED
    assert not [fact for fact in result.evidence if fact.label == "difference"], (local.texts(), image.texts())
    assert image.line_count == 9


def test_a_program_that_ends_otherwise_is_told(both: Any) -> None:
    """The exit code after the stop signal."""
    local, image = both(READY, "actor", ("loop",), ("/t/actor", "ends-with", "4"))
    assert "local ends with exit code 0, the image with 4" in judge(local, image).message


def test_what_goes_into_the_background_ends_with_its_parent_on_both_sides(both: Any) -> None:
    """Also in a session of its own: nothing of it is left on this machine, and the image's is told as what it is."""
    mark = str(1_000_000 + os.getpid())
    local, image = both(READY, "daemonises.sh", (mark,), ("/t/daemonises.sh", mark))
    assert (local.exit_code, image.exit_code) == (0, 0), (local, image)
    assert image.daemonised
    assert judge_smoke(image, SmokeSettings.model_validate_json(json.dumps(READY))).cause == "daemonised"
    running = [path.read_bytes().split(b"\0") for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert [words for words in running if mark.encode() in words and b"/bin/sleep" in words] == []


def test_the_sample_backend_passes_every_probe(engine: Any, request: pytest.FixtureRequest, laboratory: Any) -> None:
    """Log line, HTTP, TCP, marker file, its own HEALTHCHECK and a command at once; and it comes up again."""
    image = engine.image("backend:dev")
    if image is None:
        if request.config.getoption("--require-engine"):
            pytest.fail("the sample is not built: run `invoke build` first")
        pytest.skip("the sample is not built")
    plan = {
        "ready": {
            "log": "Initializing logging...",
            "http": {"port": 8080, "path": "/ready", "body": "ready"},
            "tcp": 8080,
            "file": "/tmp/backend-main-called.txt",
            "healthcheck": True,
            "command": ["/usr/local/bin/backend-admin", "health"],
        },
        "requests": [{"port": 8080, "path": "/health", "body": "ok"}, {"port": 8080, "path": "/none", "status": 404}],
        "restart": True,
        "stop": {"within": "5s"},
    }
    settings = SmokeSettings.model_validate_json(json.dumps(plan))
    seen = run_image(engine, image.id, settings, labels=laboratory.labels, cancel=threading.Event())
    result = judge_smoke(seen, settings)
    assert result.status is Status.PASSED, (result, seen)
    assert "2 requests answered" in result.message


def test_files_that_one_side_alone_leaves_are_shown(both: Any) -> None:
    """Whatever is in the writable folders is compared, named by the plan or not; it is shown and decides nothing."""
    local, image = both(READY, "job-and-stay.sh", ("/tmp/one",), ("/t/job-and-stay.sh", "/tmp/other"))
    assert (local.left, image.left) == (("/tmp/one",), ("/tmp/other",))
    result = judge(local, image)
    assert result.status is Status.PASSED
    told = [fact.value for fact in result.evidence if fact.label == "left"]
    assert sorted(told) == ["/tmp/one by local alone", "/tmp/other by the image alone"]


def test_what_a_job_leaves_can_be_read_after_its_end(both: Any) -> None:
    """Also in a folder that the image lacks: the engine makes it, for any user, and keeps it until it was looked at."""
    plan = {"kind": "job", "writable": ["/made/for-it"], "expect": {"files": ["/made/for-it/file"]}}
    words = ("-c", "echo done > /made/for-it/file")
    local, image = both(plan, "/bin/sh", words, ("/bin/sh", *words))
    assert local.left == image.left == ("/made/for-it/file",)
    assert local.files == image.files == {"/made/for-it/file": True}
    assert judge(local, image).status is Status.PASSED


@pytest.mark.parametrize(("granted", "expected"), [((), {10}), (("CHOWN",), {0, 10})])
def test_root_may_no_more_than_the_plan_grants(granted: tuple[str, ...], expected: set[int], tmp_path: Path) -> None:
    """Else it could mount this machine's folders once more, and write to them; 10: ports below 1024 (capability.h)."""
    program = tmp_path / "program"
    program.write_text(
        "#!/bin/sh\ngrep CapEff /proc/self/status\nmount -o remount,rw,bind /usr && echo writable\nexit 0\n"
    )
    program.chmod(0o755)
    plan = SmokeSettings.model_validate_json(json.dumps({"capabilities": granted}))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    seen = run_local(
        program,
        (),
        plan,
        image=AsInImage(),
        environment=os.environ,
        scratch=scratch,
        cancel=threading.Event(),
        sandboxed=True,
    )
    (effective,) = [text.split()[1] for text in seen.texts() if text.startswith("CapEff")]
    assert {bit for bit in range(64) if int(effective, 16) >> bit & 1} == (expected if os.geteuid() == 0 else set())
    assert "writable" not in seen.texts()
