"""The in-flight rewrite, on every form of RUN and FROM."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.dockerfile.detours import USUAL, detours
from orchestrator.dockerfile.equip import again
from orchestrator.dockerfile.evidence_stages import EVERY_FOLDER, EVERY_STAGE, EVIDENCE_STAGE, WITNESS_FOLDERS
from orchestrator.dockerfile.harden import Hardening, harden, without_hardening
from orchestrator.dockerfile.model import Dockerfile
from orchestrator.dockerfile.parse import parse
from orchestrator.dockerfile.settings import Guard
from orchestrator.dockerfile.trace import Tracer
from orchestrator.dockerfile.triggers import settled
from orchestrator.toolchains.cargo import tools

TOOLS = "--mount=type=bind,from=twinbuild.local/tools:1,source=/enforce,target=/dev/.twinbuild"
ON = ". /dev/.twinbuild/on; "
HOW = Hardening(
    pins={"rust:1": "twinbuild.local/pinned:1", "tool:2": "twinbuild.local/pinned:2"},
    guard=Guard.ENFORCE,
    tools="twinbuild.local/tools:1",
    crates=None,
    cargo_homes={},
    programs=[],
)


def read(text: str) -> Dockerfile:
    return parse(text, file="Dockerfile", arguments={})


def hardened(text: str, how: Hardening = HOW) -> list[str]:
    """Return the rewritten lines that stand for the user's own."""
    lines = harden(read(text), None, how).split("\n")
    return lines[: len(text.split("\n"))]


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("RUN cargo build", f"RUN {TOOLS} {ON}cargo build"),
        ("run   cargo build", f"run {TOOLS}   {ON}cargo build"),
        ("RUN A=1 cargo build || true", f"RUN {TOOLS} {ON}A=1 cargo build || true"),
        (
            "RUN --mount=type=cache,target=/x --network=none --security=insecure cargo b",
            f"RUN {TOOLS} --mount=type=cache,target=/x --network=none --security=insecure {ON}cargo b",
        ),
        ('RUN ["cargo", "build"]', f'RUN {TOOLS} ["/dev/.twinbuild/exec", "cargo", "build"]'),
        ('RUN [ "/usr/bin/make" ]', f'RUN {TOOLS} ["/dev/.twinbuild/exec",  "/usr/bin/make" ]'),
        ('RUN ["/opt/tool", "x"]', 'RUN ["/opt/tool", "x"]'),
        ("RUN ['cargo', 'build']", f"RUN {TOOLS} {ON}['cargo', 'build']"),
        ("ONBUILD RUN cargo build", "ONBUILD RUN cargo build"),
        ("RUN cat <<EOF >x && cargo build\nhi\nEOF", f"RUN {TOOLS} {ON}cat <<EOF >x && cargo build\nhi\nEOF"),
        ("RUN <<EOF\ncargo build\nEOF", f"RUN {TOOLS} <<EOF\n{ON}cargo build\nEOF"),
        ("RUN <<-'EOF'\n\tcargo build\nEOF", f"RUN {TOOLS} <<-'EOF'\n{ON}\tcargo build\nEOF"),
        ("RUN <<EOF\n#!/bin/bash -e\ncargo b\nEOF", f"RUN {TOOLS} <<EOF\n#!/bin/bash -e\n{ON}cargo b\nEOF"),
        ("RUN <<EOF\n#!/usr/bin/env python3\nx\nEOF", "RUN <<EOF\n#!/usr/bin/env python3\nx\nEOF"),
        ("RUN <<EOF cat\nx\nEOF", f"RUN {TOOLS} {ON}<<EOF cat\nx\nEOF"),
        ("RUN \\\n  # why\n\n  --network=none \\\n  cc", f"RUN {TOOLS} \\\n  # why\n\n  --network=none \\\n  {ON}cc"),
    ],
)  # fmt: skip
def test_forms_of_run(run: str, expected: str) -> None:
    """The tool's files are mounted, and one word is put before the user's; no line moves."""
    assert "\n".join(hardened(f"FROM rust:1\n{run}")[1:]) == expected


def test_a_document_that_no_shell_reads_gets_the_mounts_alone() -> None:
    """Where it reaches the base's cargo, the tool's lies over that; nothing is put into its words."""
    text = "FROM rust:1\nRUN <<E\n#!/usr/bin/env python3\nimport os; os.system('cargo build')\nE"
    dockerfile = read(text)
    tracer = Tracer(dockerfile, arguments={}, base_environment=lambda _reference: {})
    (found,) = detours(dockerfile, dockerfile.stages[0], tracer.walk(dockerfile.stages[0]))
    assert (found.line, found.paths) == (2, USUAL)
    lines = hardened(text, replace(HOW, covered={2: ("rust:1", "/usr/bin/cargo")}))
    assert lines[1] == (
        f"RUN {TOOLS} --mount=type=bind,from=rust:1,source=/usr/bin,target=/dev/.twinbuild-real "
        "--mount=type=bind,from=twinbuild.local/tools:1,source=/enforce/bin/cargo,target=/usr/bin/cargo <<E"
    )
    assert lines[2:] == text.split("\n")[2:]


def test_an_exec_form_behind_a_step_of_the_shell() -> None:
    """Whatever it starts can lead to cargo, and the image surely has a shell to go through."""
    lines = hardened('FROM rust:1\nRUN true\nRUN ["/app/build.py"]')
    assert lines[2] == f'RUN {TOOLS} ["/dev/.twinbuild/exec", "/app/build.py"]'


def test_an_image_without_a_shell_is_left_alone() -> None:
    """FROM scratch with a program of its own: nothing that needs /bin/sh is put before it."""
    assert hardened('FROM scratch\nCOPY cargo /\nRUN ["/cargo", "build"]')[2] == 'RUN ["/cargo", "build"]'


@pytest.mark.parametrize(
    ("shell", "posix"),
    [
        ('["/bin/bash", "-o", "pipefail", "-c"]', True),
        ('["/usr/bin/env", "bash", "-euc"]', True),
        ('["/bin/busybox", "sh", "-c"]', True),
        ('["pwsh", "-Command"]', False),
        ('["/usr/bin/fish", "-c"]', False),
        ('["/usr/bin/python3", "-c"]', False),
    ],
)
def test_shells(shell: str, posix: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A step that another kind of shell reads gets no words of POSIX shell, in this stage and in those based on it."""
    text = f"FROM rust:1 AS a\nSHELL {shell}\nRUN cargo b\nFROM a\nRUN cargo b\nFROM rust:1\nCOPY --from=1 / /\nRUN x"
    lines = hardened(text)
    assert [ON in lines[number] for number in (2, 4, 7)] == [posix, posix, True]


def test_from_with_platform_argument_and_alias() -> None:
    """Only the image's name is replaced."""
    lines = hardened("ARG V=1\nFROM --platform=linux/amd64 rust:${V} AS build\nRUN cargo b\n")
    assert lines[1] == "FROM --platform=linux/amd64 twinbuild.local/pinned:1 AS build"


def test_a_shipped_stage_without_a_name_gets_one() -> None:
    """BuildKit's own: it is no longer the last stage, and a target needs a name."""
    assert hardened("FROM rust:1\nCOPY . .")[0] == "FROM twinbuild.local/pinned:1 AS stage-0"


def test_a_builder_stage_without_a_name_gets_one() -> None:
    """It is built for itself, to be asked what its steps have installed; other stages keep the name that they have."""
    text = "FROM rust:1\nRUN cargo build\nFROM rust:1\nRUN x\nFROM scratch\nCOPY --from=0 /a /b\nCOPY --from=1 /c /d"
    lines = hardened(text, replace(HOW, programs=((0, "/a"),)))
    assert lines[0] == "FROM twinbuild.local/pinned:1 AS stage-0"
    assert lines[2] == "FROM twinbuild.local/pinned:1"
    assert lines[5].startswith("COPY --from=0 ")


def test_another_escape_character() -> None:
    """`# escape=` names what continues a line; a backslash is then a letter like any other."""
    lines = hardened("# escape=`\nFROM rust:1\nRUN `\n  cargo build `\n  --release")
    assert lines[2:] == [f"RUN {TOOLS} `", f"  {ON}cargo build `", "  --release"]


def test_images_that_steps_read_from_are_pinned() -> None:
    """COPY --from and RUN --mount name images, too."""
    lines = hardened("FROM rust:1\nCOPY --from=tool:2 /a /b\nRUN --mount=type=bind,from=tool:2,target=/t x")
    assert lines[1] == "COPY --from=twinbuild.local/pinned:2 /a /b"
    assert "--mount=type=bind,from=twinbuild.local/pinned:2,target=/t" in lines[2]


def test_crates_take_the_place_of_a_cache_mount() -> None:
    """A cache mount on cargo's registry would hide the crates of the lock file."""
    how = replace(HOW, crates="twinbuild.local/crates:1", cargo_homes={2: "/usr/local/cargo"})
    line = hardened(
        "FROM rust:1\nRUN --mount=type=cache,target=/usr/local/cargo/registry/ --mount=type=cache,target=/t cargo b",
        how,
    )[1]
    assert "from=twinbuild.local/crates:1,target=/usr/local/cargo/registry,rw" in line
    assert "type=cache,target=/usr/local/cargo/registry" not in line
    assert "type=cache,target=/t" in line


def test_each_step_gets_its_crates_where_its_cargo_looks() -> None:
    how = replace(HOW, crates="twinbuild.local/crates:1", cargo_homes={2: "/usr/local/cargo", 4: "/root/.cargo"})
    lines = hardened("FROM rust:1\nRUN mkdir /root/.cargo\nENV CARGO_HOME=/root/.cargo\nRUN cargo b", how)
    assert "target=/usr/local/cargo/registry,rw" in lines[1]
    assert "/root/.cargo/registry" not in lines[1]
    assert "target=/root/.cargo/registry,rw" in lines[3]


def test_form_feeds_and_foreign_line_ends_are_no_lines() -> None:
    """BuildKit ends lines at line feeds alone."""
    lines = hardened("FROM rust:1\n# a\x0cb\u2028c\nRUN cargo b")
    assert lines[2] == f"RUN {TOOLS} {ON}cargo b"


def test_evidence_is_read_from_stages_that_run_something() -> None:
    """From every folder in which the shim may have left it, and the program, for itself, by its exact name."""
    how = replace(HOW, programs=[(0, "/t/app[1]")])
    text = harden(read("FROM rust:1 AS a\nRUN x\nFROM scratch\nCOPY --from=a /t /"), None, how)
    copies = [line for line in text.split("\n") if line.startswith("COPY") and "/t /" not in line]
    assert copies == [
        "COPY --from=a /var/tmp/.twinbuild*/ /tmp/.twinbuild*/ /opt/.twinbuild*/ /witness/0/",
        'COPY --from=a ["/t/app\\\\[1[\\\\]]", "/program/0/"]',
    ]


def test_the_shim_and_the_evidence_name_the_same_folders() -> None:
    """What one writes, the other reads."""
    assert tools.WITNESS_FOLDERS == WITNESS_FOLDERS


def with_steps(steps: str) -> str:
    """Return the hardened text of a stage with these steps, from which something is shipped."""
    return harden(read(f"FROM rust:1 AS a\n{steps}\nFROM scratch\nCOPY --from=a /t /"), None, HOW)


@pytest.mark.parametrize(
    "steps",
    [
        "cargo build",
        "--mount=type=cache,target=/tmp cargo build",
        "--mount=target=/var/tmpfiles cargo build",
        "--mount=type=secret,id=token cargo build",
    ],
)
def test_a_witness_that_can_lie_in_one_folder_only_is_read_from_there(steps: str) -> None:
    """Without a wildcard, for which BuildKit walks through all files of a stage; and with one if it is not there."""
    text = with_steps(f"RUN {steps}")
    assert f"\nFROM scratch AS {EVIDENCE_STAGE}\nCOPY --from=a {WITNESS_FOLDERS[0]}/ /witness/0/\n" in text
    assert f"\nFROM scratch AS {EVERY_STAGE}\nCOPY --from=a {EVERY_FOLDER} /witness/0/\n" in text


@pytest.mark.parametrize(
    "steps",
    [
        "RUN make",
        "USER 7\nRUN cargo build",
        "ONBUILD RUN x\nRUN cargo build",
        "RUN --mount=type=tmpfs,target=/var/tmp cargo build",
        "RUN --mount=target=/var,type=tmpfs cargo build",
        "RUN --mount=type=cache,dst=/var/tmp/x x\nRUN cargo build",
        "RUN --mount=type=tmpfs,Target=/var/tmp cargo build",
        "RUN --mount=type=tmpfs,target=/var/./tmp cargo build",
        "RUN --mount=type=tmpfs,target=/var//tmp cargo build",
        'RUN --mount=type=tmpfs,"target=/var/tmp" cargo build',
        "WORKDIR /var\nRUN --mount=type=tmpfs,target=tmp cargo build",
        "ARG WHERE=/var/tmp\nRUN --mount=type=cache,target=$WHERE cargo build",
    ],
)
def test_a_witness_that_may_lie_in_several_folders_is_looked_for_in_all(steps: str) -> None:
    """Where steps may not have found the first one, or have found it in a mount."""
    text = with_steps(steps)
    assert f"\nFROM scratch AS {EVIDENCE_STAGE}\nCOPY --from=a {EVERY_FOLDER} /witness/0/\n" in text
    assert EVERY_STAGE not in text


def test_without_a_guard_nobody_looks_for_a_witness() -> None:
    """No step has left one."""
    text = harden(read("FROM rust:1\nRUN cargo build"), None, replace(HOW, guard=Guard.OFF))
    assert EVIDENCE_STAGE not in text


@pytest.mark.parametrize("run", ["RUN \\\n  cargo build", 'RUN ["cargo", "build"]', "RUN <<EOF\ncargo build\nEOF"])
def test_a_step_that_is_to_be_built_anew(run: str) -> None:
    """One word without effect in that step, nothing elsewhere, and no trace of it where the step is shown."""
    text = f"FROM rust:1\nRUN first\n{run}\nRUN last"
    before = harden(read(text), None, HOW)
    instruction = read(text).stages[0].instructions[1]
    after = again(before, (instruction.line, instruction.last_line), "abc")
    changed = [number for number, pair in enumerate(zip(before.split("\n"), after.split("\n"), strict=True), 1)
               if pair[0] != pair[1]]  # fmt: skip
    assert len(changed) == 1
    assert instruction.line <= changed[0] <= instruction.last_line
    assert "abc" in after
    assert without_hardening(after) == without_hardening(before)


TEMPLATE = "FROM rust:1 AS template\nWORKDIR /app\nONBUILD COPY . .\nonbuild RUN --network=none cargo build"
CHILD = "FROM template AS builder\nRUN true\nFROM scratch\nCOPY --from=builder /app/target/release/app /app"


def settled_lines(text: str) -> list[str]:
    return harden(settled(read(text), None), None, HOW).split("\n")


def test_a_trigger_of_an_own_stage_is_a_step_where_it_stands() -> None:
    """BuildKit would carry it out at the beginning of the next stage: the same files, and a line to name."""
    lines = settled_lines(f"{TEMPLATE}\n{CHILD}")
    assert lines[2].split() == ["COPY", ".", "."]
    assert lines[3].strip() == f"RUN {TOOLS} --network=none {ON}cargo build"
    stage = settled(read(f"{TEMPLATE}\n{CHILD}"), None).stages[0]
    assert [each.keyword for each in stage.instructions] == ["WORKDIR", "COPY", "RUN"]


@pytest.mark.parametrize(
    "text",
    [
        f"{TEMPLATE}\nENV A=b\n{CHILD}",
        f"{TEMPLATE}\n{CHILD}\nCOPY --from=template /etc /etc",
        f"{TEMPLATE.replace('WORKDIR /app', 'ARG A=1')}\n{CHILD}",
        f"{TEMPLATE}\nONBUILD ARG A\n{CHILD}",
        TEMPLATE,
    ],
    ids=["something behind it", "copied from", "an argument", "a trigger that is an argument", "no stage on it"],
)
def test_a_trigger_stays_one_where_that_is_not_the_same(text: str) -> None:
    assert settled_lines(text)[3].startswith("onbuild RUN")


def test_triggers_of_the_shipped_stage_are_its_own() -> None:
    file = read(f"{TEMPLATE}\n{CHILD}")
    assert settled(file, "template") is file


def test_cargo_is_covered_where_a_step_goes_past_path() -> None:
    """The tool's cargo lies over the base's own, which a second mount shows to it."""
    how = replace(HOW, covered={2: ("twinbuild.local/base:1", "/usr/local/cargo/bin/cargo")})
    line = hardened("FROM rust:1\nRUN env -i cargo build", how)[1]
    assert "from=twinbuild.local/base:1,source=/usr/local/cargo/bin,target=/dev/.twinbuild-real" in line
    assert "source=/enforce/bin/cargo,target=/usr/local/cargo/bin/cargo" in line
    assert without_hardening(line) == "RUN env -i cargo build"


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("/usr/local/cargo/bin/cargo build", ()),
        ('["/usr/local/cargo/bin/cargo", "build"]', ()),
        ("if [ x; $CARGO_HOME/bin/cargo build; fi", ("/cargo/bin/cargo",)),
        ('["nice", "/usr/bin/cargo", "build"]', ("/usr/bin/cargo",)),
        ("env -i ~/.cargo/bin/cargo build", ("/root/.cargo/bin/cargo", "/cargo/bin/cargo", *USUAL[:3])),
        ("sudo -E cargo build", ("/cargo/bin/cargo", *USUAL)),
        ("env -i PATH=/usr/bin cargo build", ("/cargo/bin/cargo", *USUAL)),
        ("PATH=/x:$PATH make", ("/cargo/bin/cargo", *USUAL)),
        ("cargo build", ()),
        ("PATH=/x:$PATH npm install", ()),
        ("rustup update && /cargo/bin/cargo build", ()),
        ("rustup target add wasm32-wasip1; if [ x; /cargo/bin/cargo build; fi", ("/cargo/bin/cargo",)),
        ("/copied/bin/cargo build", ()),
        ("cp -r ./cargo /x", ()),
        ("cp $CARGO_HOME/bin/cargo /opt/cargo && PATH=/opt:$PATH cargo build", ()),
        ("true && nice -n 5 A=b /cargo/bin/cargo build", ()),
        ("echo /cargo/bin/cargo", ()),
    ],
)
def test_steps_that_go_past_path(step: str, expected: tuple[str, ...]) -> None:
    """Only these get more mounts; none that may replace cargo, none for other files, none whose calls are handed on."""
    file = read(f"FROM rust:1\nENV CARGO_HOME=/cargo\nCOPY tools /copied\nRUN {step}")
    walked = Tracer(file, arguments={}, base_environment=lambda _reference: {}).walk(file.stages[0])
    assert [each.paths for each in detours(file, file.stages[0], walked)] == ([expected] if expected else [])


AT = "/dev/.twinbuild/at "


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("/root/.cargo/bin/cargo build", "@/root/.cargo/bin/cargo build"),
        (
            "A=1 $HOME/.cargo/bin/cargo b && \\\n  ~/.cargo/bin/cargo t",
            "A=1 @$HOME/.cargo/bin/cargo b && \\\n  @~/.cargo/bin/cargo t",
        ),
        ('curl x | sh -s -- -y && "$HOME/.cargo/bin/cargo" b', 'curl x | sh -s -- -y && @"$HOME/.cargo/bin/cargo" b'),
        ("c=/opt/cargo; $c build; x=$(/opt/cargo metadata)", "c=/opt/cargo; @$c build; x=$(@/opt/cargo metadata)"),
        (
            "env -i A=b /opt/cargo b; sudo -u me timeout -k 5 60s /opt/cargo b",
            "env -i A=b @/opt/cargo b; sudo -u me timeout -k 5 60s @/opt/cargo b",
        ),
        ("for i in a b; do /opt/cargo b -p $i; done", "for i in a b; do @/opt/cargo b -p $i; done"),
        ("é=ü /opt/cargo b; f() { ! /opt/cargo b; }; f; f", "é=ü @/opt/cargo b; f() { ! @/opt/cargo b; }; f; f"),
        ("<<EOF\n/opt/cargo build\nEOF", None),
        ("echo '/opt/cargo build' > x && ls /opt/cargo && ln -s /opt/cargo /usr/bin/cargo", None),
        ("cat <<EOF > x\n/opt/cargo build\nEOF", None),
        ("sh -c '/opt/cargo build'", None),
        ("/opt/*/cargo build; ${CARGO:-/opt/cargo} build; xargs /opt/cargo", None),
        ("if [ /opt/cargo; /opt/cargo build; fi", None),
        ("cargo build; ./target/cargo-x; /opt/cargo-x", None),
    ],
)
def test_a_cargo_that_is_called_by_its_path_is_handed_to_the_tools(step: str, expected: str | None) -> None:
    """`@` stands for the tool's word; without it (None) nothing but what every step gets is put in."""
    text = f"FROM rust:1\nRUN {step}"
    sent = "\n".join(hardened(text)).partition("\n")[2]
    if step.startswith("<<"):
        assert f"\n{ON}{AT}/opt/cargo build\n" in sent
    else:
        assert sent == f"RUN {TOOLS} {ON}{(expected or step).replace('@', AT)}"
    assert without_hardening(sent) == f"RUN {step}"


def test_a_cargo_that_the_tools_lies_over_is_not_handed_to_it_as_well() -> None:
    """It would find itself there. With the guard off there is none to hand it to."""
    how = replace(HOW, covered={2: ("twinbuild.local/base:1", "/usr/bin/cargo")})
    assert AT not in hardened("FROM rust:1\nRUN /usr/bin/cargo build", how)[1]
    assert AT not in hardened("FROM rust:1\nRUN /usr/bin/cargo build", replace(HOW, guard=Guard.OFF))[1]
