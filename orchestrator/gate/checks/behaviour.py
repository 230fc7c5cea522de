"""Behaviour: the image does what the host's program does under the same plan."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from typing import TYPE_CHECKING

from orchestrator.gate.checks.smoke_services import service_fault
from orchestrator.verdict import CheckResult, Evidence, Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.smoke.transcript import Answer, Transcript

ID = "behaviour"
_SHOWN = 12
_FAULT = 400
"""From this HTTP status on an answer says that something went wrong."""

_LACKS_THERE = "see the other checks first: a program that differs behaves differently; then what the image lacks"
_LACKS_HERE = (
    "look at what the host's run lacks of what the image has: give both a file by `smoke: {files: {/path: text}}`, a "
    "variable by `smoke: {environment: …}`, a folder by `smoke: {writable: …}`"
)

_TAKEN = re.compile(r"address (?:is )?already in use|EADDRINUSE|\(os error 98\)", re.IGNORECASE)

_VOLATILE = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b"), "<time>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\b0x[0-9a-fA-F]{6,16}\b"), "<address>"),
    (re.compile(r"\b\d+(?:\.\d+)?\s?(?:ns|µs|us|ms|s|min)\b"), "<duration>"),
    (re.compile(r"\b(pid|PID|process|thread)([ =:#]+)\d+\b"), r"\1\2<number>"),
    (re.compile(r"ThreadId\(\d+\)"), "ThreadId(<number>)"),
    (re.compile(r"\b(?:127|172|192|10)(?:\.\d{1,3}){3}(?::(?:3[2-9]|[4-6]\d)\d{3}\b|(?![:./\d]))"), "<peer>"),
)
"""What rightly differs between two runs of one program. A peer is an address with a port that the kernel chose, or with
none, as access logs have it: loopback on the host, and the network's own address in the image."""


def judge(
    local: Transcript,
    image: Transcript,
    *,
    volatile: Sequence[str] = (),
    remembered: bool = False,
    same_program: bool = False,
) -> CheckResult:
    """Compare the two runs: how each started, what it printed, answered and left, how it ended.

    Lines are compared with times, durations, addresses and process numbers taken out, and without regard to their
    order: threads print as they come. Lines that differ are shown; what decides is whether the image's run went another
    way: it did not start, was not ready, answered or left something else, ended otherwise, or lacks most of the lines
    that the host's program prints.

    Args:
        local: the run on the host.
        image: the run of the image.
        volatile: regular expressions for what else may differ in a line or a body.
        remembered: both are of earlier runs of the very same programs.
        same_program: the image's program is the host's, byte for byte. Where the host's run alone fails then, it lacks
            what the image brings (a page, a configuration), which says nothing against the image.
    """
    impaired = _impaired(local, image)
    if impaired is not None:
        return impaired
    rules = [re.compile(rule) for rule in volatile]
    ours, theirs = ([normalised(text, rules) for text in side.texts()] for side in (local, image))
    differing = [*_course(local, image), *_printed(local, image, ours, theirs), *_answered(local, image, rules)]
    meaning = _meaning(local, image)
    diff = aligned(ours, theirs)
    evidence = (
        *(Evidence(label="difference", value=line) for line in diff[:_SHOWN]),
        *(Evidence(label="difference", value=f"({len(diff) - _SHOWN} more)") for _ in diff[_SHOWN : _SHOWN + 1]),
        *_left(local, image, rules),
        *_times(local, image),
    )
    if differing:
        told = "; ".join(differing) + (f": {meaning}" if meaning else "")
        return _different(
            told, evidence, lacks_here=_fails_here(local, image), same_program=same_program, remembered=remembered
        )
    same = f"both print {image.line_count} lines" if local.line_count == image.line_count else _counts(local, image)
    changed = f", {len(diff)} lines of them are printed by one side alone" if diff else ""
    answers = f", {len(image.answers)} answers" if image.answers else ""
    return CheckResult(
        id=ID,
        status=Status.PASSED,
        message=f"{same}{changed}; same readiness{answers}, files and exit code {image.exit_code}",
        evidence=evidence,
        remembered=remembered,
    )


def _different(
    told: str, evidence: tuple[Evidence, ...], *, lacks_here: bool, same_program: bool, remembered: bool
) -> CheckResult:
    """Return the answer where the runs differ: whose fault that is, as far as anybody can tell."""
    if lacks_here and same_program:
        return CheckResult(
            id=ID,
            status=Status.PASSED,
            message=f"not to be held against the host's run, which lacks what the image brings: {told}",
            evidence=(*evidence, Evidence(label="give it", value=_LACKS_HERE)),
            remembered=remembered,
        )
    return CheckResult(
        id=ID,
        status=Status.FAILED,
        cause="behaviour-differs",
        message=told,
        evidence=evidence,
        repair=_LACKS_HERE if lacks_here else _LACKS_THERE,
        remembered=remembered,
    )


def _fails_here(local: Transcript, image: Transcript) -> bool:
    """Return whether the host's program alone ended with an error, never was ready, or could not answer."""
    if local.exit_code not in {0, None} and image.exit_code == 0:
        return True
    if image.ready_after is not None and local.ready_after is None:
        return True
    pairs = zip(local.answers, image.answers, strict=False)
    return any(_well(theirs) and not _well(ours) for ours, theirs in pairs)


def _well(answer: Answer) -> bool:
    return answer.status is not None and answer.status < _FAULT


def _impaired(local: Transcript, image: Transcript) -> CheckResult | None:
    """Return the answer where a run says more about this machine, or about a service, than about the program."""
    for side in (image, local):
        helpless = service_fault(ID, side)
        if helpless is not None:
            return helpless
    if local.unmeetable is not None and image.unmeetable is None:
        return CheckResult(
            id=ID,
            status=Status.UNKNOWN,
            cause="local-run-impossible",
            message=f"the host's program was not run, so nothing can be compared: {local.unmeetable}",
            repair="let it run in a sandbox, on the machine that the engine runs on: "
            "sudo apt-get install -y --no-install-recommends bubblewrap",
        )
    line = next((text for text in local.texts() if _TAKEN.search(text)), None)
    if line is None or not local.ended_by_itself or image.ended_by_itself:
        return None
    return CheckResult(
        id=ID,
        status=Status.UNKNOWN,
        cause="port-taken",
        message=f"the host's program found its port taken on this machine, so nothing can be compared: {line[:200]}",
        repair="free the port, or let it run in a network of its own: "
        "sudo apt-get install -y --no-install-recommends bubblewrap",
    )


def normalised(text: str, rules: Sequence[re.Pattern[str]] = ()) -> str:
    """Return a line with what changes from run to run taken out; the spec's own rules come first."""
    for rule in rules:
        text = rule.sub("<volatile>", text)
    for pattern, name in _VOLATILE:
        text = pattern.sub(name, text)
    return text.rstrip()


def aligned(ours: Sequence[str], theirs: Sequence[str]) -> list[str]:
    """Return the lines that one side alone prints, in the order of the runs: `-` local, `+` image.

    A line that both print equally often is no difference wherever it stands.
    """
    more, fewer = Counter(ours) - Counter(theirs), Counter(theirs) - Counter(ours)
    found = []
    for line in difflib.ndiff(_distinct(ours), _distinct(theirs)) if more or fewer else ():
        sign, text = line[:1], line[2:]
        left = more if sign == "-" else fewer
        if sign in "-+" and text in left:
            times = left.pop(text)
            found.append(f"{sign}{text}" + (f" ({times} times)" if times > 1 else ""))
    found += [f"-{text} ({times} more)" for text, times in more.items()]
    return found + [f"+{text} ({times} more)" for text, times in fewer.items()]


def _distinct(lines: Sequence[str]) -> list[str]:
    # Comparing by parts is quadratic, and a line's second coming adds nothing to the picture.
    return list(dict.fromkeys(lines))[:400]


def _course(local: Transcript, image: Transcript) -> Iterator[str]:
    if (local.start_error is None) is not (image.start_error is None):
        yield "one of them could not be started"
    judged_alike = not local.not_judged
    if judged_alike and (local.ready_after is None) is not (image.ready_after is None):
        late, words = (image, "local was ready, the image was not") if image.ready_after is None else (
            local, "the image was ready, local not"
        )  # fmt: skip
        saw = "; ".join(text for text in late.waiting.values() if text)
        yield words + (f" ({saw})" if saw else "")
    if local.exit_code != image.exit_code:
        yield f"local ends with exit code {local.exit_code}, the image with {image.exit_code}"
    for path in local.files.keys() & image.files.keys():
        if local.files[path] is not image.files[path]:
            yield f"{path} is left by {'local' if local.files[path] else 'the image'} alone"


def _printed(local: Transcript, image: Transcript, ours: Sequence[str], theirs: Sequence[str]) -> Iterator[str]:
    if local.line_count and not image.line_count:
        yield _counts(local, image)
        return
    expected, found = set(ours), set(theirs)
    missing = expected - found
    if expected and len(missing) == len(expected):
        yield "the image prints none of the lines that the host's program prints"
    elif 2 * len(missing) > len(expected):
        yield f"the image prints {len(expected) - len(missing)} of the {len(expected)} different lines of the host's"


def _answered(local: Transcript, image: Transcript, rules: Sequence[re.Pattern[str]]) -> Iterator[str]:
    for ours, theirs in zip(local.answers, image.answers, strict=False):
        if ours.status != theirs.status:
            yield f"{ours.request}: local answers {_said(ours)}, the image {_said(theirs)}"
        elif ours.kind != theirs.kind:
            yield f"{ours.request}: local answers with {ours.kind or 'no type'}, the image with {theirs.kind or 'none'}"
        elif normalised(ours.body, rules) != normalised(theirs.body, rules):
            yield f"{ours.request}: local answers {ours.body[:80]!r}, the image {theirs.body[:80]!r}"


def _said(answer: Answer) -> str:
    return str(answer.status) if answer.status is not None else f"nothing ({answer.problem})"


def _counts(local: Transcript, image: Transcript) -> str:
    return f"local prints {local.line_count} lines, the image {image.line_count}"


def _meaning(local: Transcript, image: Transcript) -> str | None:
    missing = [path for path, there in local.files.items() if there and image.files.get(path) is False]
    if local.line_count and not image.line_count and missing:
        return f"`main` was never reached (no {', '.join(missing)})"
    if local.line_count and not image.line_count:
        return "the image's program does not do what the host's does"
    return None


def _left(local: Transcript, image: Transcript, rules: Sequence[re.Pattern[str]]) -> Iterator[Evidence]:
    """Yield the files that one side alone has left. They decide nothing: names may be random, and HOME another one."""
    if local.left is None or image.left is None:
        return
    found = aligned([normalised(path, rules) for path in local.left], [normalised(path, rules) for path in image.left])
    for line in found[:_SHOWN]:
        side = "local" if line.startswith("-") else "the image"
        yield Evidence(label="left", value=f"{line[1:]} by {side} alone")
    if len(found) > _SHOWN:
        yield Evidence(label="left", value=f"({len(found) - _SHOWN} more by one side alone)")


def _times(local: Transcript, image: Transcript) -> Iterator[Evidence]:
    """Yield the times side by side; they decide nothing: the machine decides them, and the image's hold its start."""
    if local.lines and image.lines:
        value = f"local after {local.lines[0].at:.2f} s, the image after {image.lines[0].at:.2f} s"
        yield Evidence(label="first line", value=value)
    if local.stop_seconds is not None and image.stop_seconds is not None:
        value = f"local {local.stop_seconds:.2f} s, the image {image.stop_seconds:.2f} s"
        yield Evidence(label="stop time", value=value)
