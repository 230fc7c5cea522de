"""Two builds of an image without a cache: what differs is named, and what the build host leaves in layers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from orchestrator.engine.files import image_files
from tests.integration.conftest import RUST, SLIM

if TYPE_CHECKING:
    from orchestrator.engine.docker import Engine
    from tests.integration.conftest import Project

pytestmark = [pytest.mark.engine, pytest.mark.cargo]

_DOCKERFILE = f"""\
FROM {RUST} AS builder
WORKDIR /app
COPY . .
RUN cargo build --release --locked

FROM {SLIM}
COPY --from=builder /app/target/release/hello /usr/local/bin/hello
ENV MADE=once
RUN STEP
ENTRYPOINT ["/usr/local/bin/hello"]
"""
_UNSOUND = (
    "printf 'the same %20000s' x >/opt/stamp && date +%s%N >>/opt/stamp && echo same >/opt/same "
    "&& mkdir -p /var/cache/ldconfig /opt/__pycache__ "
    "&& head -c 8 /dev/urandom >/var/cache/ldconfig/aux-cache && cp /opt/same /opt/__pycache__/a.cpython-311.pyc"
)


def test_two_builds_are_compared_byte_by_byte(hello: Project, engine: Engine) -> None:
    """What writes time or random bytes is named with its range and line; without it the image is the same one."""
    hello.write({"Dockerfile": _DOCKERFILE.replace("STEP", _UNSOUND)})
    done = hello.invoke("repro", "--image", "--json", "--spec", "buildspec.yaml")
    assert done.exit_code == 1, done.stderr
    said = json.loads(done.stdout)
    assert said["identical"] is False
    found = {each["place"]: each for each in said["differences"]}
    assert set(found) == {"/opt/stamp", "/var/cache/ldconfig/aux-cache"}
    stamp = found["/opt/stamp"]
    assert (stamp["what"], stamp["location"]) == ("content", "Dockerfile:9")
    first, last = stamp["ranges"][0][0], stamp["ranges"][-1][1]
    assert 20009 <= first < last <= 20009 + 19
    assert found["/var/cache/ldconfig/aux-cache"]["ranges"][0][1] <= 8
    assert "rm -f /var/cache/ldconfig/aux-cache" in found["/var/cache/ldconfig/aux-cache"]["repair"]

    kept = hello.build()
    assert kept.exit_code == 0, kept.stderr
    named = {each["kind"]: each for each in kept.record["leftovers"]}
    assert set(named) == {"ldconfig-cache", "python-bytecode"}
    assert named["python-bytecode"]["paths"] == ["/opt/__pycache__/a.cpython-311.pyc"]
    assert named["python-bytecode"]["location"]["line"] == 9
    assert not named["python-bytecode"]["removed"]

    spec = (hello.folder / "buildspec.yaml").read_text()
    hello.write({"buildspec.yaml": spec.replace("image: {", "image: {leftovers: remove, ")})
    cleaned = hello.build()
    assert cleaned.exit_code == 0, cleaned.stderr
    assert all(each["removed"] for each in cleaned.record["leftovers"])
    with image_files(engine, hello.tag, labels={}) as files:
        assert files.stat("/var/cache/ldconfig/aux-cache") is None
        assert files.stat("/opt/__pycache__/a.cpython-311.pyc") is None
        assert files.stat("/opt/same") is not None

    hello.write({"Dockerfile": _DOCKERFILE.replace("STEP", "echo same >/opt/same")})
    sound = hello.invoke("repro", "--image", "--spec", "buildspec.yaml")
    assert sound.exit_code == 0, sound.stdout
    assert sound.stdout.startswith("IDENTICAL  two builds without a cache gave the image ")
