"""A plan that can never be met, or that checks nothing, is refused when the spec is read."""

# ruff: noqa: S108 - paths inside of containers

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import ValidationError

from orchestrator.smoke.services.settings import filled
from orchestrator.smoke.settings import SmokeSettings


def read(plan: dict[str, Any]) -> SmokeSettings:
    return SmokeSettings.model_validate_json(json.dumps(plan))


def test_probes_have_a_short_form() -> None:
    """A bare value stands for the one key that most uses need."""
    plan = read(
        {"ready": {"log": "up", "tcp": 80, "file": "/tmp/up", "healthcheck": True, "command": ["/bin/app", "health"]}}
    )
    long = read(
        {
            "ready": {
                "log": {"text": "up"},
                "tcp": {"port": 80},
                "file": {"path": "/tmp/up"},
                "healthcheck": {},
                "command": {"run": ["/bin/app", "health"]},
            }
        }
    )
    assert plan == long
    assert list(plan.ready.probes()) == ["log", "tcp", "file", "healthcheck", "command"]
    assert read({"ready": {"healthcheck": False}}).ready.probes() == {}


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        ({"stays_up": "0s"}, "at least one check"),
        ({"ready": {"log": ""}}, "never seen in a line"),
        ({"ready": {"log": "two\nlines"}}, "never seen in a line"),
        ({"ready": {"log": {"text": "a", "regex": "b"}}}, "exactly one of"),
        ({"ready": {"log": {"regex": "(unclosed"}}}, "regular expression"),
        ({"ready": {"log": "it panicked at noon"}}, "holds 'panicked at'"),
        ({"ready": {"http": {"path": "/"}}}, "Field required"),
        ({"ready": {"http": {"port": 0}}}, "greater than or equal to 1"),
        ({"ready": {"http": {"port": 80, "path": "health"}}}, "should match pattern"),
        ({"ready": {"http": {"port": 80}}, "network": "none"}, "network: internal"),
        ({"requests": [{"port": 80}], "network": "none"}, "network: internal"),
        ({"ready": {"tcp": 70000}}, "less than or equal to 65535"),
        ({"ready": {"file": "/var/run/up"}}, "inside a folder of `writable`"),
        ({"ready": {"command": []}}, "at least 1 item"),
        ({"ready": {"log": "up", "within": "0s"}}, "no program is ready within 0 s"),
        ({"kind": "job", "ready": {"log": "up"}}, "a job is done when it ends"),
        ({"kind": "job", "requests": [{"port": 80}]}, "serves nobody"),
        ({"expect": {"stdout": ["all panicked at once"]}}, "holds 'panicked at'"),
        ({"expect": {"files": ["/tmp/x-1"], "no_files": ["/tmp/x-*"]}}, "does not forbid"),
        ({"secrets": ["TOKEN"]}, "TOKEN is not"),
        ({"secrets": ["TOKEN"], "environment": {"TOKEN": "abc"}}, "at least 4 characters"),
        ({"volatile": ["["]}, "regular expression"),
        ({"capabilities": ["chown"]}, "should match pattern"),
        ({"stop": {"signal": "TERM"}}, "should match pattern"),
        ({"services": {"DB": {"image": "a", "port": 1}}}, "a short name in lower case"),
        ({"services": {"db": {"image": "a"}}}, "Field required"),
        ({"services": {"db": {"image": "a", "port": 1}}, "network": "none"}, "expected `network: internal`"),
        ({"environment": {"A": "${services.db.host}"}}, "name a service of `services` (none is there)"),
        (
            {"environment": {"A": "${services.db.pasword}"}, "services": {"db": {"image": "a", "port": 1}}},
            "in `environment.A` ${services.db.pasword} to end in one of host, port, password",
        ),
        (
            {"services": {"db": {"image": "a", "port": 1, "files": {"/etc/x": "${services.cache.port}"}}}},
            "in `services.db.files./etc/x` ${services.cache.port} to name a service of `services` (db)",
        ),
        ({"files": {"/config": "a"}}, "in a folder"),
        ({"files": {"/tmp/config": "a"}}, "outside of the folders in `writable`"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(plan: dict[str, Any], says: str) -> None:
    """The message says what was expected."""
    with pytest.raises(ValidationError) as error:
        read(plan)
    assert says in str(error.value)


def test_a_plan_of_any_one_check_is_enough() -> None:
    """A gate with no checks is shut; one is enough to open it."""
    for part in ({"ready": {"log": "up"}}, {"expect": {"files": ["/tmp/x"]}}, {"requests": [{"port": 80}]}):
        assert read({"stays_up": "0s", **part})
    assert read({"kind": "job", "stays_up": "0s"})


def test_only_what_asks_from_outside_needs_a_network() -> None:
    """Loopback alone is the default."""
    assert not read({"ready": {"log": "up", "healthcheck": True}}).needs_network
    assert read({"ready": {"tcp": 80}}).needs_network
    assert read({"requests": [{"port": 80}]}).needs_network
    assert read({"services": {"db": {"image": "a", "port": 5432}}}).needs_network


def test_one_exit_code_or_several() -> None:
    """A number stands for the list of it."""
    assert read({"stop": {"exit": 3}}).stop.exit == (3,)
    assert read({"stop": {"exit": [0, 143]}}).stop.exit == (0, 143)


def test_the_schema_takes_short_and_long_forms() -> None:
    """What editors complete is what the reader takes."""
    schema = SmokeSettings.model_json_schema()
    jsonschema.validate({"ready": {"log": "up", "tcp": 80, "command": ["/bin/app"], "healthcheck": True}}, schema)
    jsonschema.validate({"ready": {"log": {"regex": "^up"}, "tcp": {"port": 80}}, "stop": {"exit": [0]}}, schema)
    for wrong in ({"ready": {"log": 3}}, {"ready": {"tcp": "80"}}, {"ready": {"nothing": 1}}, {"stop": {"exit": "0"}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


def test_the_documented_plan_is_one() -> None:
    """What the how-to shows is taken as it stands, but for the variable whose value it leaves to the reader."""
    page = Path(__file__).parents[3] / "docs/how-to/smoke.md"
    text = "".join(re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL))
    plan = yaml.safe_load(text)["smoke"]
    made = read({**plan, "environment": {"DB_PASSWORD": "correct horse"}})
    assert set(made.ready.probes()) == {"log", "http", "tcp", "file", "healthcheck", "command"}
    assert made.stop.exit == (0, 143)


def test_a_service_is_up_once_its_port_takes_connections() -> None:
    """Unless the plan names what shows it."""
    plan = read(
        {"services": {"db": {"image": "a", "port": 5432}, "c": {"image": "b", "port": 1, "ready": {"log": "x"}}}}
    )
    assert [list(service.probes()) for service in plan.services.values()] == [["tcp"], ["log"]]


def test_places_of_services_are_filled_in() -> None:
    """What looks like one and is none stays as it is: programs may use that notation themselves."""
    places = {"db.host": "db", "db.password": "secret"}
    texts = {"URL": "x://a:${services.db.password}@${services.db.host}/${name}", "OTHER": "$services.db.host"}
    assert filled(texts, places) == {"URL": "x://a:secret@db/${name}", "OTHER": "$services.db.host"}
