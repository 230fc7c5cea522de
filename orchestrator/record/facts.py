"""The words of a run record. These dataclasses are the format of `record.json`.

The JSON schema in the package (`record.schema.json`) is made from them and a test holds both together. A field is added
with a default; one that changes its meaning raises `VERSION`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.location import Location
from orchestrator.record.transcripts import TranscriptFacts
from orchestrator.verdict import CheckResult, Verdict

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFacts:
    """What made the record."""

    version: str
    python: str
    engine: str | None = None
    toolchain: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecFacts:
    """The spec that was built: path as given, digest of its bytes."""

    path: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """The snapshot that both sides were built from. `epoch`: seconds since 1970, see source/snapshot.py."""

    digest: str
    commit: str | None
    dirty: bool
    epoch: int
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseFacts:
    """One base image, as it was at this run."""

    reference: str
    image_id: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftFacts:
    """One thing that is not as `buildspec.lock` says.

    Attributes:
        where: what it belongs to (`base debian:bookworm-slim`, `host`, `image`), empty for the whole build.
        what: its name (`libssl3`, `linker`).
        locked, found: the lock's value, and the one of this run; None where there is none.
        text: the same in words.
    """

    where: str
    what: str
    locked: str | None
    found: str | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockFacts:
    """The lock that this run was held against. `digest`: of its bytes; `drift`: what has changed since."""

    path: str
    digest: str
    drift: tuple[DriftFacts, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftoverFacts:
    """What the build host left in a layer.

    Attributes:
        kind: id of the kind (`apt-lists`), and `name` for people.
        count, size: files, and their bytes.
        paths: the first few.
        removed: taken out of the candidate, since the spec allows it.
        location: the instruction that made the layer; None where that is not known.
    """

    kind: str
    name: str
    count: int
    size: int
    paths: tuple[str, ...]
    repair: str
    removed: bool = False
    location: Location | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachedFacts:
    """A step that has reached for the network.

    Attributes:
        connections: TCP connections begun, and `datagrams` sent by UDP, until the end of its last call of cargo; 0
            where it has none.
        location: the step; None where that is not known.
        sent, received: bytes, with the headers of all layers, in a run that has executed the step on an engine whose
            bridge is this machine's; None where that is not known.
    """

    connections: int
    datagrams: int
    location: Location | None = None
    sent: int | None = None
    received: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFacts:
    """One finished step.

    Attributes:
        state: done, cached, failed, or cut-off (the other side had failed, or the user ended the run).
        seconds: wall time.
        started: seconds from the run's start to the step's; None in records of older runs.
        own: a step of this tool's, not one that the project asks for.
    """

    lane: str
    name: str
    state: str
    seconds: float | None = None
    location: Location | None = None
    started: float | None = None
    own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFacts:
    """How the host's program was built.

    Attributes:
        command: cargo's command line.
        flags: what rustc was given for every crate.
        compiled, fresh: packages (`name version`) that were compiled, and that were taken as they lay there.
    """

    command: tuple[str, ...]
    flags: tuple[str, ...] = ()
    compiled: tuple[str, ...] = ()
    fresh: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramFacts:
    """One of the three programs.

    Attributes:
        side: `local`, `builder` (in the stage it was built in) or `image` (as shipped).
        origin: where it was read, for people.
        sha256: hex; None when there was no such file.
        size: bytes.
        functions: how many functions its symbol table names; None when nobody had to look.
    """

    side: str
    origin: str
    sha256: str | None = None
    size: int | None = None
    build_id: str | None = None
    needed: tuple[str, ...] = ()
    functions: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFacts:
    """A call of cargo in the image build, as it was witnessed.

    Attributes:
        stage: name or number of the stage.
        line: of the RUN step; None where it is not known.
        trigger: the step's text where it is an ONBUILD trigger of the base that the line's FROM names.
        command: cargo's command line.
        exit_code: cargo's.
        refreshed: time stamps followed content when it looked.
        earlier: it happened in an earlier build, and came here with a cache mount or a copied target directory.
        differing: inputs of the program that it saw with other content than the snapshot's, or not at all.
        made, kept: sha256 (hex) by absolute path in the stage, of the programs that it wrote, or left as they were.
        handed: what it found compiled by the host: `plain` (by rustc alone), `native` (a C compiler had a part in it),
            both; `no: ` and the reason where nothing was taken; empty where nothing was offered or needed.
    """

    stage: str
    line: int | None
    command: str
    exit_code: int
    refreshed: bool
    earlier: bool
    differing: tuple[str, ...] = ()
    made: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    handed: str = ""
    trigger: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """The candidate and what became of it.

    Attributes:
        raw_id: the image as the engine built it, by what that calls it.
        candidate_id: the ID of the normalised image that was judged, and that has the tag if it passed: the sha256 of
            its configuration, the same on every engine.
        engine_id: what this engine calls it: its ID, or with containerd's image store the digest of its manifest.
        tag: the name in question.
        promoted: whether the tag now points to the candidate.
        previous_id: the ID of the image that the tag pointed to before; None when there was no such tag.
    """

    raw_id: str
    candidate_id: str
    tag: str
    promoted: bool
    previous_id: str | None = None
    engine_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcerptFacts:
    """Lines of a file that a finding points at, as they were in this run. `first`: the first one's number, 1-based."""

    file: str
    first: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureFacts:
    """Why a run has no verdict; see errors.py."""

    cause: str
    exit_code: int
    message: str
    location: Location | None = None
    repair: str | None = None
    detail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run, from the spec to the verdict. Exactly one of `verdict` and `failure` is there."""

    version: int
    run: str
    project: str
    started: str
    """ISO 8601, UTC."""
    seconds: float
    tool: ToolFacts
    spec: SpecFacts
    guard: str
    policy: str = ""
    """The one of `parity.policies` that was asked for; empty for the spec's `parity.accept`."""
    source: SourceFacts | None = None
    place: str | None = None
    """How the local build got the image's paths: `namespace` or `remap`, with the reason."""
    bases: tuple[BaseFacts, ...] = ()
    lock: LockFacts | None = None
    """None where the project has no `buildspec.lock`."""
    unlike: tuple[str, ...] = ()
    """Tools that host and image both have, and not the same one of; said before anything was built."""
    leftovers: tuple[LeftoverFacts, ...] = ()
    reached: tuple[ReachedFacts, ...] = ()
    """Steps that have reached for the network, which `network: {steps: none}` would refuse."""
    steps: tuple[StepFacts, ...] = ()
    programs: tuple[ProgramFacts, ...] = ()
    image: ImageFacts | None = None
    checks: tuple[CheckResult, ...] = ()
    verdict: Verdict | None = None
    failure: FailureFacts | None = None
    local: LocalFacts | None = None
    calls: tuple[CallFacts, ...] = ()
    """What was witnessed of cargo in the image build, oldest first."""
    transcripts: tuple[TranscriptFacts, ...] = ()
    excerpts: tuple[ExcerptFacts, ...] = ()
    logs: tuple[str, ...] = ()
    """Paths of log files, relative to the folder that `record.json` lies in."""
