"""The tasks of this repository, and of any project with a buildspec.yaml: flags in, exit code out, no logic."""

from __future__ import annotations

import json as json_format
import os
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

from orchestrator.errors import NoVerdictError, RecordUnreadableError
from orchestrator.report.style import style_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.record import RunRecord
    from orchestrator.workspace import Workspace

_HERE = Path(__file__).resolve().parent
_SPEC = {"spec": "the project's buildspec.yaml (default: the one beside tasks.py)"}


@task(
    help={
        **_SPEC,
        "quiet": "print nothing unless the image is refused or there is no verdict",
        "json": "print the run record instead of a report",
        "record": "also copy the run record to this path",
        "no-wait": "fail at once where another run holds this project",
    }
)
def build(
    _context: Context,
    spec: str = "",
    quiet: bool = False,
    json: bool = False,
    record: str = "",
    no_wait: bool = False,
) -> None:
    """Build on the host and in Docker, prove both are the same program, run it, and tag the image if all passed."""
    from orchestrator.flow.verify import verify  # noqa: PLC0415 - other tasks need none of it
    from orchestrator.report.progress import progress_for  # noqa: PLC0415 - same
    from orchestrator.spec.load import load_spec  # noqa: PLC0415 - same

    with _told_to_a_person():
        loaded = load_spec(_spec(spec))
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        progress = progress_for(sys.stderr, style_of(sys.stderr, os.environ), quiet=quiet or json)
        try:
            made = verify(
                loaded,
                workspace=_workspace(loaded.root),
                environment=dict(os.environ),
                show=progress.show,
                wait_for_others=not no_wait,
            )
        finally:
            progress.close()
        if record:
            _copy_record(made, Path(record))
    _print_record(made, quiet=quiet, as_json=json)


@task(help={**_SPEC, "json": "print the run record instead of a report"})
def show(_context: Context, run: str = "latest", spec: str = "", json: bool = False) -> None:
    """Print an earlier run again (RUN: its id; default: the latest)."""
    from orchestrator.record import FILE_NAME, read_record  # noqa: PLC0415 - other tasks need none of it

    with _told_to_a_person():
        workspace = _workspace(_spec(spec).parent.resolve())
        if "/" in run or run in {"", ".", ".."}:
            raise RecordUnreadableError(f"{run!r} is no run id", repair=f"ls {workspace.runs}")
        made = read_record(workspace.runs / run / FILE_NAME)
    _print_record(made, quiet=False, as_json=json)


@task(name="spec", help={**_SPEC, "schema": "print the JSON schema of buildspec.yaml for editors"})
def spec_(_context: Context, spec: str = "", schema: bool = False) -> None:
    """Print the spec in force, each value with where it came from."""
    from orchestrator.spec import explain  # noqa: PLC0415 - other tasks need none of it
    from orchestrator.spec.load import load_spec  # noqa: PLC0415 - same

    with _told_to_a_person():
        if schema:
            _print(json_format.dumps(explain.schema(), indent=2) + "\n")
            return
        _print(explain.render_effective(load_spec(_spec(spec))))


@task(help=_SPEC)
def doctor(_context: Context, spec: str = "") -> None:
    """Say what this machine has, what it lacks, and what each lack means."""
    from orchestrator.flow.doctor import examine  # noqa: PLC0415 - other tasks need none of it

    style = style_of(sys.stdout, os.environ)
    worst = 0
    for finding in examine(_workspace_root(_spec(spec).parent.resolve()), dict(os.environ)):
        sign, colour = (("✗", "red") if finding.needed else ("?", "yellow")) if finding.lack else ("✓", "green")
        _print(f"{style.paint(style.sign(sign), colour)} {finding.name:17} {finding.found}\n")
        if finding.lack:
            _print(f"  {'':17} {finding.lack}\n")
            worst = max(worst, 1 if finding.needed else 0)
    raise Exit(code=worst)


@task(help={**_SPEC, "rebuild": "make the bootstrapped bases again", "verify": "make them again and compare"})
def bases(_context: Context, spec: str = "", rebuild: bool = False, verify: bool = False) -> None:
    """List the base images and where they come from; make missing ones."""
    from orchestrator.flow.bases import list_bases, verify_bases  # noqa: PLC0415 - other tasks need none of it
    from orchestrator.report.progress import progress_for  # noqa: PLC0415 - same
    from orchestrator.spec.load import load_spec  # noqa: PLC0415 - same

    with _told_to_a_person():
        loaded = load_spec(_spec(spec))
        progress = progress_for(sys.stderr, style_of(sys.stderr, os.environ), quiet=False)
        workspace, environment = _workspace(loaded.root), dict(os.environ)
        try:
            if verify:
                differing = verify_bases(loaded, workspace=workspace, environment=environment, show=progress.show)
            lines = list_bases(
                loaded, workspace=workspace, environment=environment, show=progress.show, rebuild=rebuild
            )
        finally:
            progress.close()
        _print("".join(f"{line}\n" for line in lines))
        if verify and differing:
            _print("".join(f"{line}\n" for line in differing))
            raise Exit(code=1)


@task(help={**_SPEC, "bases": "also the bootstrapped base images, which take minutes to make again"})
def clean(_context: Context, spec: str = "", bases: bool = False) -> None:
    """Remove what this tool made (workspace, own images), and nothing else; passed images keep their tags."""
    from orchestrator.flow.clean import clean as removed  # noqa: PLC0415 - other tasks need none of it

    with _told_to_a_person():
        root = _workspace_root(_spec(spec).parent.resolve())
        if not root.exists():
            _print(f"nothing to remove: there is no {root}\n")
            return
        for line in removed(_workspace(root.parent), environment=dict(os.environ), bases=bases):
            _print(f"removed {line}\n")


@task(help={"fast": "only what needs no engine and no toolchain: lint, types, layers, unit tests"})
def test(context: Context, fast: bool = False) -> None:
    """Run lint, types, layer contracts, all tests, the backend's own tests, and one whole build of the sample."""
    from infrastructure.ci.checks import run_all  # noqa: PLC0415 - other tasks need none of it

    run_all(context, _HERE, fast=fast)


@task(help={"only": "one benchmark by name", "write": "write the table to docs/reference/benchmarks.md"})
def bench(context: Context, only: str = "", write: bool = False) -> None:
    """Measure what is promised, as ratios to the raw commands in the same run, and print a table."""
    words = [sys.executable, "-m", "benchmarks", *([f"--only={only}"] if only else []), *(["--write"] if write else [])]
    with context.cd(str(_HERE)):
        context.run(" ".join(words), pty=False)


def _spec(given: str) -> Path:
    return Path(given) if given else _default_spec()


def _default_spec() -> Path:
    beside = _HERE / "buildspec.yaml"
    try:
        # Shorter in messages, and what a person would type.
        return beside.relative_to(Path.cwd())
    except ValueError:
        return beside


def _workspace_root(root: Path) -> Path:
    given = os.environ.get("TWINBUILD_WORKSPACE")
    return Path(given).resolve() if given else root / ".twinbuild"


def _workspace(root: Path) -> Workspace:
    from orchestrator.workspace import Workspace  # noqa: PLC0415 - `invoke --list` needs none of it

    return Workspace.open(_workspace_root(root))


@contextmanager
def _told_to_a_person() -> Iterator[None]:
    """Turn this tool's errors into a message and their exit code: the one boundary; a bug stays a traceback."""
    try:
        yield
    except NoVerdictError as error:
        from orchestrator.record import failure_of  # noqa: PLC0415 - only a failure needs it
        from orchestrator.report.text import render_failure  # noqa: PLC0415 - same

        style = style_of(sys.stderr, os.environ)
        sys.stderr.write("".join(f"{style.shown(line)}\n" for line in render_failure(failure_of(error), style)))
        raise Exit(code=error.exit_code) from None


def _print_record(record: RunRecord, *, quiet: bool, as_json: bool) -> None:
    from orchestrator.record import dump_record  # noqa: PLC0415 - only those who print need it
    from orchestrator.report.exit_code import exit_code_of  # noqa: PLC0415 - same
    from orchestrator.report.text import render_text  # noqa: PLC0415 - same

    code = exit_code_of(record)
    if as_json:
        sys.stdout.buffer.write(dump_record(record))
    elif code or not quiet:
        _print(render_text(record, style_of(sys.stdout, os.environ)))
    raise Exit(code=code)


def _copy_record(record: RunRecord, path: Path) -> None:
    from orchestrator.record import dump_record  # noqa: PLC0415 - only those who ask for it need it
    from orchestrator.workspace import write_atomically  # noqa: PLC0415 - same

    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, dump_record(record))


def _print(text: str) -> None:
    sys.stdout.write(style_of(sys.stdout, os.environ).shown(text))
    sys.stdout.flush()
