"""Several images of one Dockerfile: a spec for each, one builder stage for all, each judged by its own program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.conftest import RUST, SLIM
from tests.integration.corpus.raw import run_image

if TYPE_CHECKING:
    from orchestrator.engine.docker import Engine
    from tests.integration.conftest import Project

pytestmark = [pytest.mark.engine, pytest.mark.cargo]

MEMBER = '[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n'
FILES = {
    "Cargo.toml": '[workspace]\nmembers = ["server", "tool"]\nresolver = "2"\n',
    "Cargo.lock": 'version = 4\n\n[[package]]\nname = "server"\nversion = "0.1.0"\n\n'
    '[[package]]\nname = "tool"\nversion = "0.1.0"\n',
    "server/Cargo.toml": MEMBER.format(name="server"),
    "tool/Cargo.toml": MEMBER.format(name="tool"),
    "server/src/main.rs": 'fn main() {\n    println!("the server");\n}\n',
    "tool/src/main.rs": "fn main() {\n"
    '    let given: String = std::env::args().skip(1).collect();\n    println!("the tool{given}");\n}\n',
    "Dockerfile": f"""\
FROM {RUST} AS builder
WORKDIR /app
COPY Cargo.toml Cargo.lock ./
COPY server/Cargo.toml server/
COPY tool/Cargo.toml tool/
RUN for c in server tool; do mkdir $c/src; echo 'fn main() {{}}' > $c/src/main.rs; done \\
    && cargo build --release --locked
COPY . .
RUN cargo build --release --locked

FROM {SLIM} AS server
COPY --from=builder /app/target/release/server /usr/local/bin/server
ENTRYPOINT ["/usr/local/bin/server"]

FROM {SLIM} AS tool
COPY --from=builder /app/target/release/tool /usr/local/bin/tool
ENTRYPOINT ["tool"]

FROM {SLIM} AS swapped
COPY --from=builder /app/target/release/tool /usr/local/bin/server
ENTRYPOINT ["/usr/local/bin/server"]
""",
}
SPEC = """\
version: 1
project: pair
toolchain: {{kind: cargo, package: {program}}}
image: {{tag: "{tag}", target: {target}, binary: /usr/local/bin/{program}}}
bases:
  {rust}: {{bootstrap: {{suite: bookworm, packages: [ca-certificates, gcc, libc6-dev], toolchain: host}}}}
  {slim}: {{bootstrap: {{suite: bookworm, packages: [ca-certificates]}}}}
smoke: {{kind: job, arguments: [", loudly"]}}
"""


def test_each_image_ships_its_own_program(engine: Engine, project: Project) -> None:
    """Both heal from one builder stage, whose dependencies are compiled once; the wrong one is refused.

    The host's programs are given what the images' are.
    """
    project.write(FILES)
    tags = {target: f"{project.tag}-{target}" for target in ("server", "tool", "swapped")}
    for target, tag in tags.items():
        program = "tool" if target == "tool" else "server"
        spec = SPEC.format(program=program, tag=tag, target=target, rust=RUST, slim=SLIM)
        project.write({f"{target}.yaml": spec})
    runs = {}
    try:
        for target, tag in tags.items():
            runs[target] = run = project.build(spec=f"{target}.yaml")
            assert (run.check("stub-free")["status"] == "passed") is (target != "swapped"), run.check("stub-free")
            if target != "swapped":
                assert run.exit_code == 0, run.stderr
                assert run_image(engine, tag).prints == f"the {target}\n"
        assert runs["swapped"].cause == "wrong-file-copied"
        assert engine.image(tags["swapped"]) is None
        primed = next(step for step in runs["tool"].record["steps"] if "mkdir" in step["name"])
        assert primed["state"] == "cached"
    finally:
        for tag in tags.values():
            engine.remove_image(tag)
