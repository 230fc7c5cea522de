"""That a container was killed for its memory is also told where the engine learned of it too late to mark it."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.engine.containers import ContainerRequest, RunningContainer

pytestmark = pytest.mark.engine


@pytest.mark.parametrize(("words", "killed"), [(["/t/eats.sh"], True), (["/bin/sh", "-c", "exit 137"], False)])
def test_the_engines_events_tell_who_ran_out_of_memory(laboratory: Any, words: list[str], *, killed: bool) -> None:
    """The mark and the events agree; an exit code alone is no evidence."""
    request = ContainerRequest(
        image_id=laboratory.image({"Entrypoint": words}),
        command=None,
        environment={},
        network="none",
        read_only=True,
        writable={},
        memory=20 << 20,
        pids=20,
        cpus=1,
        labels=laboratory.labels,
    )
    with RunningContainer(laboratory.engine, request) as container:
        container.start(lambda _stream, _chunk: None)
        assert container.wait(60)
        end = container.end()
        state = laboratory.engine.api.inspect_container(container.id)["State"]
        assert (end.exit_code, end.oom_killed, container._ran_out_of_memory(state)) == (137, killed, killed)
