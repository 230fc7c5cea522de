"""The corpus: small projects with wild Dockerfiles, each really built. A wrong program ships raw, and never with us.

Each case is proved thrice: what the Dockerfile ships when nobody heals it, what `invoke build` says with the guard on
(healed and proved, or refused with cause and line), and what it says when the guard only observes. What a trapped case
ships is read of the image that the observing run refuses; `--plain-claims` also builds the untouched Dockerfile without
this tool (a context whose files are older than all artifacts), as is always done for a sound one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.integration.corpus.case import Case, Outcome, every_case
from tests.integration.corpus.conftest import Row
from tests.integration.corpus.raw import Ran, never_started
from tests.integration.corpus.stand import Raw, Stand

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from orchestrator.engine.docker import Engine
    from tests.integration.conftest import Run

pytestmark = [pytest.mark.engine, pytest.mark.cargo]


@pytest.fixture
def stand(  # noqa: PLR0917 - pytest gives each by its name
    case: Case, engine: Engine, pins: Mapping[str, str], tmp_path: Path, known: Path, request: pytest.FixtureRequest
) -> Iterator[Stand]:
    """Return the case on the engine; what was made for it is removed afterwards."""
    why = case.fails.get(engine.api.info()["Driver"], case.fails.get("*"))
    if why is not None:
        request.applymarker(pytest.mark.xfail(reason=why))
    made = Stand(case, engine, pins, tmp_path, known)
    yield made
    made.close()


@pytest.mark.parametrize("case", every_case(), ids=lambda case: case.name)
def test_no_wrong_program_ships(case: Case, stand: Stand, row: Row, request: pytest.FixtureRequest) -> None:
    """Unhealed it ships what the case says; with the guard the program that was written, or nothing."""
    began = time.monotonic()
    try:
        raw = stand.raw(built=case.sound or request.config.getoption("--plain-claims"))
        if raw is not None:
            row.raw = _shown(raw.ran, case)
            _claim(raw.ran, case)
        enforced, observed = stand.guarded()
        row.enforce, row.observe = _answer(enforced), _answer(observed)
        row.cause, row.line = _where(observed if enforced.exit_code == 0 else enforced)
        _hold(enforced, case.enforce, case, stand, raw)
        _hold(observed, case.observe, case, stand, raw)
        if not case.sound:
            unhealed = _unhealed(observed)
            row.raw = _shown(unhealed, case)
            _claim(unhealed, case)
    finally:
        row.seconds = f"{time.monotonic() - began:.1f}"


def _unhealed(run: Run) -> Ran:
    """Return what a run's image did when it was started, by the record.

    The image itself may be gone: another case that ships the very same placeholder tidies up as well.
    """
    made = next(each for each in run.record["transcripts"] if each["side"] == "image")
    printed = "".join(f"{line['text']}\n" for line in made["head"] if line["stream"] == "stdout")
    if made["start_error"] is None:
        return Ran(prints=printed, exit_code=made["exit_code"])
    return Ran(prints=printed, exit_code=never_started(made["start_error"]))


def _claim(ran: Ran, case: Case) -> None:
    """Hold what an unhealed image did against what the case says of it."""
    assert (ran.prints.strip(), ran.exit_code) == (case.raw_prints, case.raw_exit), "the raw claim"


def _hold(run: Run, expected: Outcome, case: Case, stand: Stand, raw: Raw | None) -> None:
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
    assert check["status"] == "passed", shown
    assert run.exit_code == 0, run.record["checks"]
    ran = stand.run(run)
    assert (ran.prints.strip(), ran.exit_code) == (case.prints, 0)
    if case.sound:
        assert raw is not None, "a sound one is always built without this tool as well"
        assert run.record["programs"][2]["sha256"] == raw.sha256, "another program than the plain build's"


def _shown(ran: Ran, case: Case) -> str:
    what = "the truth" if ran.prints.strip() == case.prints and case.sound else ran.prints.strip() or "nothing"
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
