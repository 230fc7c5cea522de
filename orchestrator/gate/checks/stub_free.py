"""Stub-free: the shipped program was compiled from these very sources, and by which call.

Proof is one of two things: a witnessed call of cargo that wrote the shipped bytes after it had read, digest by digest,
the sources of the snapshot; or the shipped bytes being those of the host's program, which was compiled from the
snapshot. Anything else is refused, with the one of three suspects that it was: a cached stub, a program that was never
really compiled, or the wrong file copied.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.location import Location
from orchestrator.verdict import CheckResult, Evidence, Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.build.artifact import Artifact
    from orchestrator.toolchains.cargo.witness import WitnessedCall

ID = "stub-free"
_SHOWN = 4
_SHORT = 12

_PLACEHOLDERS = (
    "",
    "fn main() {}",
    "fn main() {}\n",
    "fn main(){}",
    "fn main(){}\n",
    'fn main() {\n    println!("Hello, world!");\n}\n',
    'fn main() { println!("dummy"); }\n',
    'fn main() {println!("if you see this, the build broke")}\n',
)
"""Placeholders that are met most (the last of cargo-chef's forerunners); others are told by their digests."""

_STUBS = {hashlib.sha256(text.encode()).hexdigest(): text for text in _PLACEHOLDERS}

_TOUCH = "find . -path ./target -prune -o -name '*.rs' -exec touch {} +"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedFacts:
    """What is known of the shipped program and how it came to be.

    Attributes:
        shipped: the program in the image; None where there is no such file.
        builder: the program in the stage that builds it.
        local: the host's program.
        calls: cargo's calls as witnessed, oldest first.
        sources: sha256 by path relative to the workspace, as the snapshot has them.
        inputs: the sources that went into the host's program, relative to the workspace; manifests and lock included.
        package, binary: what should have been shipped.
        dockerfile: its path, for people.
        cargo_lines: lines of the builder stage's steps that name cargo, in order.
        copies: lines of the COPY instructions between that stage and the image, the last one first.
        logs: what executed steps printed, by line.
        guard: the guard's setting.
    """

    shipped: Artifact | None
    builder: Artifact | None
    local: Artifact
    calls: Sequence[WitnessedCall]
    sources: Mapping[str, str]
    inputs: Sequence[str]
    package: str
    binary: str
    image_path: str
    dockerfile: str
    cargo_lines: Sequence[int]
    copies: Sequence[int]
    logs: Mapping[int, str]
    guard: str


def judge(facts: ShippedFacts) -> CheckResult:
    """Return whether the shipped program is proved to come from the snapshot's sources."""
    if facts.shipped is None:
        return _missing(facts)
    made = [call for call in facts.calls if facts.shipped.sha256 in call.made.values()]
    proof = next((call for call in made if not _differing(call, facts) and call.exit_code == 0), None)
    if proof is not None:
        return _proved(facts, proof)
    if facts.shipped.sha256 == facts.local.sha256:
        return CheckResult(
            id=ID,
            status=Status.PASSED,
            message="bit for bit the host's program, which was compiled from these sources",
            evidence=(_program("shipped", facts.shipped),),
        )
    return _suspect(facts, made)


def _suspect(facts: ShippedFacts, made: Sequence[WitnessedCall]) -> CheckResult:
    """Name which of the suspects it was, by what was witnessed of the shipped bytes."""
    shipped = facts.shipped
    digest = shipped.sha256 if shipped else ""
    if made and (name := _made_as(made[-1], digest)) != facts.binary:
        return _wrong_file(facts, f"it is `{name}`, another program that the same build made")
    if made:
        return _other_sources(facts, made[-1])
    if facts.builder is not None and facts.builder.sha256 != digest:
        return _wrong_file(facts, "it is not the file that lies in the builder stage now")
    kept = next((call for call in facts.calls if digest in call.kept.values()), None)
    if kept is not None:
        return _there_before(facts, kept)
    return _never_compiled(facts) if facts.calls else _unwitnessed(facts)


def _there_before(facts: ShippedFacts, kept: WitnessedCall) -> CheckResult:
    return _failed(
        facts,
        cause="never-compiled",
        message=f"the image's program lay in the target directory before cargo was called (suspect: not really "
        f"built): `{' '.join(('cargo', *kept.arguments))}` kept it and no witnessed call wrote it",
        line=_line_of(facts),
        repair="keep `target` out of the build context (.dockerignore) and out of the image's earlier stages",
        evidence=(_program("shipped", facts.shipped), _program("host", facts.local)),
    )


def _differing(call: WitnessedCall, facts: ShippedFacts) -> list[str]:
    """Return the inputs of the program whose content was another one, or not there, when the call was made."""
    return [path for path in facts.inputs if call.sources.get(path) != facts.sources.get(path)]


def _proved(facts: ShippedFacts, call: WitnessedCall) -> CheckResult:
    shipped = facts.shipped
    return CheckResult(
        id=ID,
        status=Status.PASSED,
        message=f"written by `{' '.join(('cargo', *call.arguments))}` from these sources: "
        f"{len(facts.inputs)} of {len(facts.inputs)} inputs witnessed",
        evidence=(
            *((_program("shipped", shipped),) if shipped else ()),
            Evidence(label="witness", value=f"stage {call.stage}, {call.id}"),
        ),
    )


def _other_sources(facts: ShippedFacts, call: WitnessedCall) -> CheckResult:
    """The shipped bytes were compiled, but from something else: a stub, some stubs, or an older state."""
    differing = _differing(call, facts)
    stubs = [path for path in differing if call.sources.get(path) in _STUBS]
    if call.exit_code != 0:
        return _never_compiled(facts)
    if call.earlier:
        cause, what = "stale-build", "an earlier build's sources"
    elif len(differing) < len([path for path in facts.inputs if path.endswith(".rs")]) and not _is_main(stubs):
        cause, what = "partial-stub", f"placeholders for {len(differing)} of {len(facts.inputs)} inputs"
    else:
        cause, what = "cached-stub", "placeholder sources"
    command = " ".join(("cargo", *call.arguments))
    kept = next((later for later in facts.calls if later is not call and _kept(later, facts)), None)
    then = f"; `{' '.join(('cargo', *kept.arguments))}` found it fresh and kept it" if kept else ""
    return _failed(
        facts,
        cause=cause,
        message=f"the image's program was compiled from {what} by `{command}` (suspect: cached stub){then}",
        line=_line_of(facts),
        repair=f"before the last cargo call in that step, make the sources newer than the artifacts: "
        f"{_TOUCH} && cargo build …; or set `stub: {{guard: enforce}}`, which does it by content",
        evidence=(
            _program("shipped", facts.shipped),
            _program("host", facts.local),
            *(Evidence(label="input", value=_difference(path, call, facts)) for path in differing[:_SHOWN]),
            *((Evidence(label="input", value=f"and {len(differing) - _SHOWN} more"),) if differing[_SHOWN:] else ()),
        ),
    )


def _kept(call: WitnessedCall, facts: ShippedFacts) -> bool:
    return facts.shipped is not None and facts.shipped.sha256 in call.kept.values()


def _is_main(paths: Sequence[str]) -> bool:
    return any(path.endswith("src/main.rs") or "/bin/" in path for path in paths)


def _difference(path: str, call: WitnessedCall, facts: ShippedFacts) -> str:
    then, now = call.sources.get(path), facts.sources.get(path)
    if then is None:
        return f"{path} was not there"
    text = _STUBS.get(then)
    compiled = f"sha256 {then[:_SHORT]}" if text is None else f"`{' '.join(text.split())}`" if text else "empty"
    return f"{path} was {compiled}, and is sha256 {(now or 'missing')[:_SHORT]}"


def _wrong_file(facts: ShippedFacts, why: str) -> CheckResult:
    return _failed(
        facts,
        cause="wrong-file-copied",
        message=f"{facts.image_path} is not the program `{facts.binary}` (suspect: wrong file copied): {why}",
        line=facts.copies[0] if facts.copies else None,
        repair=f"let COPY take the file that `cargo build` makes for `{facts.binary}`: check path, profile and name",
        evidence=(
            _program("shipped", facts.shipped),
            _program("builder stage", facts.builder),
            _program("host", facts.local),
        ),
    )


def _never_compiled(facts: ShippedFacts) -> CheckResult:
    witnessed = ", ".join(f"`{' '.join(('cargo', *call.arguments))}` (exit {call.exit_code})" for call in facts.calls)
    return _failed(
        facts,
        cause="never-compiled",
        message=f"no call of cargo wrote the image's program from these sources (suspect: not really built); "
        f"witnessed: {witnessed or 'none'}",
        line=_line_of(facts),
        repair=f"build it in the stage it is copied from: `cargo build --release --package {facts.package} "
        f"--bin {facts.binary}`, and let a failure end the step",
        evidence=(_program("shipped", facts.shipped), _program("host", facts.local)),
    )


def _unwitnessed(facts: ShippedFacts) -> CheckResult:
    """Nothing was witnessed (guard off, or cargo was called by its absolute path): judge by what is there."""
    shipped = facts.shipped
    evidence = (_program("shipped", shipped), _program("builder stage", facts.builder), _program("host", facts.local))
    if shipped is not None and shipped.size * 2 < facts.local.size:
        return _by_size_and_log(facts, evidence)
    return CheckResult(
        id=ID,
        status=Status.UNKNOWN,
        cause="unwitnessed",
        message="no call of cargo was witnessed in the image build, and the image's program is not the host's: "
        "what it was compiled from is not known",
        evidence=evidence,
        location=Location(file=facts.dockerfile, line=_line_of(facts)),
        repair="set `stub: {guard: enforce}`; call cargo by its name, not by an absolute path",
    )


def _by_size_and_log(facts: ShippedFacts, evidence: tuple[Evidence, ...]) -> CheckResult:
    shipped = facts.shipped
    share = f"{shipped.size / facts.local.size:.0%} of the host's size" if shipped else ""
    last = facts.cargo_lines[-1] if facts.cargo_lines else None
    said = facts.logs.get(last, "") if last is not None else ""
    if not facts.cargo_lines:
        return _failed(
            facts,
            cause="never-compiled",
            message=f"no step of the stage that the program comes from calls cargo (suspect: not really built); "
            f"the file has {share}",
            line=facts.copies[0] if facts.copies else None,
            repair=f"copy from the stage that runs `cargo build --release --bin {facts.binary}`",
            evidence=evidence,
        )
    compiled = re.search(rf"Compiling {re.escape(facts.package)} v", said)
    if said and "Finished" in said and not compiled:
        finished = next(line.strip() for line in said.splitlines() if "Finished" in line)
        return _failed(
            facts,
            cause="cached-stub",
            message=f"the last cargo step compiled nothing of `{facts.package}` and shipped what an earlier step had "
            f"made (suspect: cached stub); the file has {share}",
            line=last,
            repair=f"{_TOUCH} && cargo build …; or set `stub: {{guard: enforce}}`",
            evidence=(*evidence, Evidence(label="cargo said", value=finished)),
        )
    return _failed(
        facts,
        cause="cached-stub" if len(facts.cargo_lines) > 1 else "never-compiled",
        message=f"the image's program has {share} and was not compiled by a witnessed call "
        f"(suspect: {'cached stub' if len(facts.cargo_lines) > 1 else 'not really built'})",
        line=last,
        repair="set `stub: {guard: enforce}`, which witnesses every call of cargo and names the step",
        evidence=evidence,
    )


def _missing(facts: ShippedFacts) -> CheckResult:
    return _failed(
        facts,
        cause="binary-missing",
        message=f"the image has no file {facts.image_path} (suspect: wrong file copied)",
        line=facts.copies[0] if facts.copies else None,
        repair="correct `image.binary` in the spec, or the COPY that should bring the program there",
        evidence=(_program("builder stage", facts.builder), _program("host", facts.local)),
    )


def _failed(
    facts: ShippedFacts,
    *,
    cause: str,
    message: str,
    line: int | None,
    repair: str,
    evidence: Sequence[Evidence | None],
) -> CheckResult:
    return CheckResult(
        id=ID,
        status=Status.FAILED,
        cause=cause,
        message=message,
        location=Location(file=facts.dockerfile, line=line),
        repair=repair,
        evidence=tuple(entry for entry in evidence if entry is not None),
    )


def _line_of(facts: ShippedFacts) -> int | None:
    """Return the line to mend: the builder stage's last step that names cargo, else the COPY out of it."""
    lines = facts.cargo_lines or facts.copies
    return lines[-1] if lines else None


def _made_as(call: WitnessedCall, sha256: str) -> str:
    paths = [path for path, digest in call.made.items() if digest == sha256]
    return min(paths, key=len).rsplit("/", 1)[-1]


def _program(label: str, artifact: Artifact | None) -> Evidence:
    if artifact is None:
        return Evidence(label=label, value="no such file")
    return Evidence(label=label, value=f"{artifact.size:,} bytes, sha256 {artifact.sha256[:_SHORT]}, {artifact.origin}")
