"""The tasks of this repository, and of any project with a buildspec.yaml: flags in, exit code out, no logic."""

from __future__ import annotations

import json as json_format
import os
import signal
import sys
from contextlib import ExitStack, contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.context import Context
from invoke.exceptions import Exit, ParseError
from invoke.main import program
from invoke.program import Program
from invoke.tasks import task

from orchestrator.errors import NoVerdictError, UsageError, run_ended
from orchestrator.report.streams import open_closed_streams, write_out
from orchestrator.report.style import style_of
from orchestrator.verdict import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.record import RunRecord
    from orchestrator.spec.load import LoadedSpec
    from orchestrator.workspace import Workspace

_HERE = Path(__file__).resolve().parent
_SPEC = {"spec": "the buildspec.yaml (default: this folder's, or its repository's, else the one beside tasks.py)"}
_RUN = {"run": "`latest`, a run id or the start of one, or the path of a record"}


@task(
    help={
        **_SPEC,
        "quiet": "print nothing unless the image is refused or there is no verdict",
        "json": "print the run record instead of a report",
        "record": "also copy the run record to this path",
        "no-wait": "fail at once where another run holds this project",
        "independent": "compile every dependency on both sides, sharing nothing between them",
        "locked": "refuse to build where something is not as buildspec.lock says",
        "policy": "judge parity by this one of the spec's `parity.policies`, such as release",
        "probe": "where the programs differ, also build again with one thing changed at a time, to find the cause",
    }
)
def build(  # noqa: PLR0917 - invoke makes a flag of each
    _context: Context,
    spec: str = "",
    quiet: bool = False,
    json: bool = False,
    record: str = "",
    no_wait: bool = False,
    locked: bool = False,
    independent: bool = False,
    policy: str = "",
    probe: bool = False,
) -> None:
    """Build on the host and in Docker, prove both are the same program, run it, and tag the image if all passed."""
    from orchestrator.flow.verify import verify  # noqa: PLC0415 - other tasks need none of it
    from orchestrator.log import log_form  # noqa: PLC0415 - same
    from orchestrator.report import require_writable  # noqa: PLC0415 - same
    from orchestrator.report.progress import progress_for  # noqa: PLC0415 - same
    from orchestrator.spec.load import load_spec  # noqa: PLC0415 - same

    with ExitStack() as late:
        with _told_to_a_person():
            loaded = load_spec(_spec(spec))
            if record:
                # Before anything is built, as far as that can be known.
                require_writable(Path(record))
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            # The machine's log takes the place of what a person would see on the same stream.
            unseen = quiet or json or log_form(os.environ) is not None
            progress = progress_for(sys.stderr, style_of(sys.stderr, os.environ), quiet=unseen)
            try:
                made = verify(
                    loaded,
                    workspace=_workspace(loaded.root),
                    environment=dict(os.environ),
                    show=progress.show,
                    late=late,
                    wait_for_others=not no_wait,
                    locked=locked,
                    independent=independent,
                    policy=policy,
                )
            finally:
                progress.close()
        if record:
            _copy_record(made, Path(record))
        ended = _print_record(made, quiet=quiet, as_json=json, late=late)
    try:
        raise ended
    finally:
        if probe and any(check.id == "parity" and check.status is Status.FAILED for check in made.checks):
            with _told_to_a_person():
                # Standard output may be JSON.
                sys.stderr.write(_probed(made, loaded, limit=None, quiet=unseen))


@task(help={**_SPEC, **_RUN, "json": "print the run record instead of a report", "list": "list the runs instead"})
def show(_context: Context, run: str = "latest", spec: str = "", json: bool = False, list: bool = False) -> None:  # noqa: A002 - the flag's name
    """Print an earlier run again (`invoke show RUN`; default: the latest); ends with that run's exit code."""
    if list:
        runs.body(_context, spec=spec, json=json)
        return
    with _told_to_a_person():
        made = _found(run, spec)
    raise _print_record(made, quiet=False, as_json=json)


@task(help={**_SPEC, "json": "print a JSON array"})
def runs(_context: Context, spec: str = "", json: bool = False) -> None:
    """List the runs that are kept: time, verdict, cause, duration."""
    from orchestrator.record.runs import known_runs  # noqa: PLC0415 - other tasks need none of it
    from orchestrator.report.run_list import render_list, render_list_json  # noqa: PLC0415 - same

    with _told_to_a_person():
        known = known_runs(_workspace(_spec(spec).parent.resolve()).runs)
        _print(render_list_json(known) if json else render_list(known, style_of(sys.stdout, os.environ)))


@task(
    help={
        **_SPEC,
        **_RUN,
        "format": "html, json, junit, markdown or text",
        "output": "the file for --format (default: standard output)",
        "html": "write the HTML report to this file",
        "junit": "write JUnit XML to this file",
        "markdown": "write the Markdown summary to this file",
    }
)
def report(  # noqa: PLR0917 - invoke makes a flag of each
    _context: Context,
    run: str = "latest",
    spec: str = "",
    format: str = "",  # noqa: A002 - the flag's name
    output: str = "",
    html: str = "",
    junit: str = "",
    markdown: str = "",
) -> None:
    """Write a run as HTML, JUnit XML, Markdown, JSON or text (`invoke report RUN --html FILE`)."""
    from orchestrator.report import render, write_file  # noqa: PLC0415 - other tasks need none of it

    with _told_to_a_person():
        made = _found(run, spec)
        asked = {"html": html, "junit": junit, "markdown": markdown}
        for form, path in asked.items():
            if path:
                write_file(Path(path), render(made, form))
        if output:
            write_file(Path(output), render(made, format or "text"))
        elif format not in {"", "text"}:
            _print_bytes(render(made, format))
        elif format or not any(asked.values()):
            _print_bytes(_record_as_text(made))


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


@task(help=_SPEC)
def lock(_context: Context, spec: str = "") -> None:
    """Write buildspec.lock: what the project is built with beyond its sources; nothing is built."""
    from orchestrator.flow.write_lock import write_lock  # noqa: PLC0415 - other tasks need none of it
    from orchestrator.report.lock_text import render_lock  # noqa: PLC0415 - same
    from orchestrator.report.progress import progress_for  # noqa: PLC0415 - same
    from orchestrator.spec.load import load_spec  # noqa: PLC0415 - same

    with _told_to_a_person():
        loaded = load_spec(_spec(spec))
        progress = progress_for(sys.stderr, style_of(sys.stderr, os.environ), quiet=False)
        try:
            made = write_lock(
                loaded, workspace=_workspace(loaded.root), environment=dict(os.environ), show=progress.show
            )
        finally:
            progress.close()
    changes = None if made.changes is None else [str(change) for change in made.changes]
    _print(render_lock(str(made.path), made.facts, changes, style_of(sys.stdout, os.environ)))


@task(
    positional=["image"],
    help={
        "image": "tag or id of an image that the engine has",
        "spec": "take the plan of this buildspec.yaml's `smoke` (default: start it, see it stay up, and stop it)",
        "json": "print the report as JSON",
        "repeat": "run it so many times and show how the starts are spread",
        "keep": "leave the container in the engine for a look",
    },
)
def smoke(
    _context: Context, image: str, spec: str = "", json: bool = False, repeat: int = 1, keep: bool = False
) -> None:
    """Run an image's own entrypoint under limits and judge it, without building anything."""
    from orchestrator.flow.smoke import smoke as smoked  # noqa: PLC0415 - other tasks need none of it
    from orchestrator.report.smoke_text import render_smoke  # noqa: PLC0415 - same
    from orchestrator.smoke.peers.file import NO_PEERS  # noqa: PLC0415 - same
    from orchestrator.smoke.settings import SmokeSettings  # noqa: PLC0415 - same
    from orchestrator.spec.load import load_spec  # noqa: PLC0415 - same

    with _told_to_a_person():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        loaded = load_spec(_spec(spec)) if spec else None
        made = smoked(
            image,
            loaded.spec.smoke if loaded else SmokeSettings(),
            bases=loaded.spec.bases if loaded else {},
            peers=loaded.peers if loaded else NO_PEERS,
            workspace=_workspace(_spec(spec).parent.resolve()),
            environment=dict(os.environ),
            repeat=repeat,
            keep=keep,
            say=lambda text: sys.stderr.write(f"{text}\n"),
        )
    if json:
        _print(json_format.dumps(made.to_json(), indent=2) + "\n")
    else:
        style, removal = style_of(sys.stdout, os.environ), made.kept.removal if made.kept else None
        spreads = {"ready": made.ready, "stop": made.stop}
        _print(render_smoke(made.image, made.results, style, spreads=spreads, loadable=made.loadable, removal=removal))
    raise Exit(code=0 if made.passed else 1)


@task(
    iterable=["path"],
    help={
        **_SPEC,
        "path": "a Dockerfile or a folder with some, as often as wanted; also without the flag (default: the spec's)",
        "format": "text, json, sarif or github",
        "fix": "print the missing invalidations as a diff",
        "write": "with --fix: change the files",
        "rules": "list the rules instead",
    },
)
def lint(  # noqa: PLR0917 - invoke makes a flag of each
    _context: Context,
    path: list[str],
    spec: str = "",
    format: str = "text",  # noqa: A002 - the flag's name
    fix: bool = False,
    write: bool = False,
    rules: bool = False,
) -> None:
    """See stubs that would ship, in Dockerfiles and their scripts, without building (`invoke lint PATH…`)."""
    from orchestrator.flow import lint as flow  # noqa: PLC0415 - other tasks need none of it
    from orchestrator.report.lint_report import render_fix, render_lint, render_rules  # noqa: PLC0415 - same

    style = style_of(sys.stdout, os.environ)
    with _told_to_a_person():
        if rules:
            _print(render_rules(style))
            return
        loaded = flow.spec_in_force(_spec(spec), paths=path, given=bool(spec))
        if fix or write:
            made = flow.fix(path, loaded, write=write)
            _print(render_fix(made, style))
            raise Exit(code=made.report.exit_code)
        found = flow.lint(path, loaded)
        _print_bytes(render_lint(found, format, style).encode(style.encoding, "replace"))
    raise Exit(code=found.exit_code)


@task(
    help={
        "local": "a program: a file, or IMAGE:PATH",
        "image": "the other one: a file, IMAGE:PATH, or an image whose entrypoint names its program",
        "accept": "the worst rung that passes (identical, metadata, hash-only, paths, data, code, toolchain, foreign)",
        "own": "the project's own crates, separated by commas (default: the one whose main the local program holds)",
        "json": "print JSON instead of a screen",
        "html": "also write the comparison as one HTML page to this file",
        "markdown": "also write it as Markdown to this file",
    }
)
def compare(  # noqa: PLR0917 - invoke makes a flag of each
    _context: Context,
    local: str,
    image: str,
    accept: str = "identical",
    own: str = "",
    json: bool = False,
    html: str = "",
    markdown: str = "",
) -> None:
    """Say how two programs differ, and why (`invoke compare LOCAL IMAGE[:PATH]`); images are read, never run."""
    from orchestrator.flow.compare import compare_programs  # noqa: PLC0415 - other tasks need none of it
    from orchestrator.report import write_file  # noqa: PLC0415 - same

    style = style_of(sys.stdout, os.environ)
    with _told_to_a_person():
        crates = [crate for crate in own.split(",") if crate]
        made = compare_programs(local, image, accept=accept, own=crates, environment=dict(os.environ))
        if html:
            from orchestrator.report.compare_html import render_comparison_html  # noqa: PLC0415 - only for those who ask

            page = render_comparison_html(made.local, made.image, made.comparison, accept=made.accept)
            write_file(Path(html), page)
        if markdown:
            from orchestrator.report.compare_markdown import render_comparison_markdown  # noqa: PLC0415 - same

            text = render_comparison_markdown(made.local, made.image, made.comparison, accept=made.accept)
            write_file(Path(markdown), text)
    if json:
        from orchestrator.report.compare_json import dump_comparison  # noqa: PLC0415 - only for those who ask

        _print(dump_comparison(made.local, made.image, made.comparison, accept=made.accept))
    else:
        from orchestrator.report.compare_text import render_comparison  # noqa: PLC0415 - same

        _print(render_comparison(made.local, made.image, made.comparison, style, accept=made.accept))
    raise Exit(code=0 if made.accepted else 1)


@task(help={"program": "a file, IMAGE:PATH, or an image whose entrypoint names it", "json": "print JSON instead"})
def inspect(_context: Context, program: str, json: bool = False) -> None:
    """Say what a program is, what it needs and what it is made of (`invoke inspect FILE|IMAGE:PATH`)."""
    from orchestrator.flow.compare import inspect_program  # noqa: PLC0415 - other tasks need none of it
    from orchestrator.report.inspect_report import dump_profile, render_profile  # noqa: PLC0415 - same

    with _told_to_a_person():
        origin, profile = inspect_program(program, environment=dict(os.environ))
        style = style_of(sys.stdout, os.environ)
        _print(dump_profile(origin, profile) if json else render_profile(origin, profile, style))


@task(
    help={**_SPEC, **_RUN, "limit": "seconds that this call may build (default: the spec's `parity.probe_limit`)"},
)
def probe(_context: Context, run: str = "latest", spec: str = "", limit: int = 0) -> None:
    """Find why a run's programs differ: build the host's side again, one thing changed at a time; goes on if cut."""
    from orchestrator.spec.load import load_spec  # noqa: PLC0415 - other tasks need none of it

    with _told_to_a_person():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        loaded = load_spec(_spec(spec))
        _print(_probed(_found(run, spec), loaded, limit=float(limit) or None, quiet=False))


@task(help={"cause": "a cause's id, as verdicts name it (default: list them all)"})
def explain(_context: Context, cause: str = "") -> None:
    """Print a cause's page: what it leaves behind, an example, the repair (`invoke explain CAUSE`)."""
    from orchestrator.report.catalogue import cause_list, cause_page  # noqa: PLC0415 - other tasks need none of it

    folder = _HERE / "docs/reference/causes"
    with _told_to_a_person():
        _print(cause_page(folder, cause) if cause else cause_list(folder))


@task(
    help={
        **_SPEC,
        "write": "apply the repairs that are safe, which are printed as a diff otherwise",
        "image": "instead build the image twice without a cache, and name every byte that differs",
        "json": "with --image: print JSON",
    }
)
def repro(_context: Context, spec: str = "", write: bool = False, image: bool = False, json: bool = False) -> None:
    """Say what the project must change so that builds without this tool are bit-identical too; nothing is built."""
    if image:
        _repro_image(spec, as_json=json)
    from orchestrator.flow.repro import advise  # noqa: PLC0415 - other tasks need none of it
    from orchestrator.report.repro_text import render_repro  # noqa: PLC0415 - same
    from orchestrator.spec.load import load_spec  # noqa: PLC0415 - same

    style = style_of(sys.stdout, os.environ)
    with _told_to_a_person():
        loaded = load_spec(_spec(spec))
        made = advise(
            loaded,
            workspace=_workspace(loaded.root),
            environment=dict(os.environ),
            write=write,
            say=lambda text: sys.stderr.write(f"{text}\n"),
        )
    _print(
        render_repro(
            made.left,
            made.plain,
            style,
            native=made.native,
            scripts=made.scripts,
            diff=made.diff,
            written=made.written,
        )
    )
    raise Exit(code=made.exit_code)


@task(positional=["program"], help={**_SPEC, "program": "a file, IMAGE:PATH, or STAGE:PATH of the last build"})
def why(_context: Context, program: str, spec: str = "") -> None:
    """Say where a program came from: which call of cargo wrote it, at which line, from which sources."""
    from orchestrator.flow.why import find_origin  # noqa: PLC0415 - other tasks need none of it
    from orchestrator.report.why_text import render_origin  # noqa: PLC0415 - same

    with _told_to_a_person():
        workspace = _workspace(_spec(spec).parent.resolve())
        found = find_origin(program, runs=workspace.runs, environment=dict(os.environ))
    _print(render_origin(found, style_of(sys.stdout, os.environ)))
    raise Exit(code=0 if found.sightings else 1)


@task(help=_SPEC)
def selftest(_context: Context, spec: str = "") -> None:
    """Plant wrong programs in this project's own image and show that the gate refuses each; nothing is tagged."""
    from orchestrator.flow.selftest import run_selftest  # noqa: PLC0415 - other tasks need none of it
    from orchestrator.report.progress import progress_for  # noqa: PLC0415 - same
    from orchestrator.report.selftest_text import render_selftest  # noqa: PLC0415 - same
    from orchestrator.spec.load import load_spec  # noqa: PLC0415 - same

    with _told_to_a_person():
        loaded = load_spec(_spec(spec))
        progress = progress_for(sys.stderr, style_of(sys.stderr, os.environ), quiet=False)
        try:
            made = run_selftest(
                loaded, workspace=_workspace(loaded.root), environment=dict(os.environ), show=progress.show
            )
        finally:
            progress.close()
    _print(render_selftest(made, style_of(sys.stdout, os.environ)))
    raise Exit(code=0 if made.passed else 1)


@task(
    help={
        **_SPEC,
        "bases": "also the bootstrapped base images, which take minutes to make again",
        "store": "only the compiled dependencies that the host handed to image builds",
    }
)
def clean(_context: Context, spec: str = "", bases: bool = False, store: bool = False) -> None:
    """Remove what this tool made (workspace, own images), and nothing else; passed images keep their tags."""
    from orchestrator.flow.clean import clean as all_of_it  # noqa: PLC0415 - other tasks need none of it
    from orchestrator.flow.clean import clean_store  # noqa: PLC0415 - same

    with _told_to_a_person():
        root = _workspace_root(_spec(spec).parent.resolve())
        if not root.exists():
            _print(f"nothing to remove: there is no {root}\n")
            return
        workspace, environment = _workspace(root.parent), dict(os.environ)
        removed = (
            clean_store(workspace, environment=environment)
            if store
            else all_of_it(workspace, environment=environment, bases=bases)
        )
        for line in removed:
            _print(f"{line}\n")


@task(
    help={
        "fast": "only what needs no engine and no toolchain: lint, types, layers, unit tests",
        "engines": "instead: what depends on the engine, on engines 26.1 and 28.5 from Debian's archive (needs root)",
    }
)
def test(context: Context, fast: bool = False, engines: bool = False) -> None:
    """Run lint, types, layer contracts, all tests, the backend's own tests, and one whole build of the sample."""
    from infrastructure.ci.checks import run_all, run_engines  # noqa: PLC0415 - other tasks need none of it

    if engines:
        run_engines(context, _HERE)
    else:
        run_all(context, _HERE, fast=fast)


@task(help={"only": "one benchmark by name", "write": "write the table to docs/reference/benchmarks.md"})
def bench(context: Context, only: str = "", write: bool = False) -> None:
    """Measure what is promised, as ratios to the raw commands in the same run, and print a table."""
    words = [sys.executable, "-m", "benchmarks", *([f"--only={only}"] if only else []), *(["--write"] if write else [])]
    with context.cd(str(_HERE)):
        context.run(" ".join(words), pty=False)


def _repro_image(spec: str, *, as_json: bool) -> None:
    from orchestrator.flow.repro_image import repro_image  # noqa: PLC0415 - other tasks need none of it
    from orchestrator.report.progress import progress_for  # noqa: PLC0415 - same
    from orchestrator.report.repro_image_text import render_repro_image, repro_image_json  # noqa: PLC0415 - same
    from orchestrator.spec.load import load_spec  # noqa: PLC0415 - same

    with _told_to_a_person():
        loaded = load_spec(_spec(spec))
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        progress = progress_for(sys.stderr, style_of(sys.stderr, os.environ), quiet=as_json)
        try:
            made = repro_image(
                loaded, workspace=_workspace(loaded.root), environment=dict(os.environ), show=progress.show
            )
        finally:
            progress.close()
    if as_json:
        _print(json_format.dumps(repro_image_json(made.ids, made.differences, made.seconds), indent=2) + "\n")
    else:
        _print(render_repro_image(made.ids, made.differences, made.seconds, style_of(sys.stdout, os.environ)))
    raise Exit(code=0 if made.identical else 1)


def _spec(given: str) -> Path:
    from orchestrator.spec.find import default_spec  # noqa: PLC0415 - `invoke --list` needs none of it

    return Path(given) if given else default_spec(Path.cwd(), _HERE / "buildspec.yaml")


def _found(run: str, spec: str) -> RunRecord:
    from orchestrator.record import read_record  # noqa: PLC0415 - other tasks need none of it
    from orchestrator.record.runs import find_record  # noqa: PLC0415 - same

    return read_record(find_record(_workspace(_spec(spec).parent.resolve()).runs, run))


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
        # Until here, whoever interrupts ends what is being loaded (start.py).
        signal.signal(signal.SIGINT, signal.default_int_handler)
        yield
    except KeyboardInterrupt:
        raise _ended(run_ended()) from None
    except NoVerdictError as error:
        raise _ended(error) from None


def _ended(error: NoVerdictError) -> Exit:
    """Tell an error, and return what ends the program with its exit code."""
    from orchestrator.record import failure_of  # noqa: PLC0415 - only a failure needs it
    from orchestrator.report.text import render_failure  # noqa: PLC0415 - same

    style = style_of(sys.stderr, os.environ)
    _tell("\n".join(style.shown(line) for line in render_failure(failure_of(error), style)))
    return Exit(code=error.exit_code)


def _probed(made: RunRecord, loaded: LoadedSpec, *, limit: float | None, quiet: bool) -> str:
    from orchestrator.flow.probe import probe_run  # noqa: PLC0415 - other tasks need none of it
    from orchestrator.report.probe_text import render_probe  # noqa: PLC0415 - same
    from orchestrator.report.progress import progress_for  # noqa: PLC0415 - same

    progress = progress_for(sys.stderr, style_of(sys.stderr, os.environ), quiet=quiet)
    try:
        found = probe_run(
            made,
            loaded,
            workspace=_workspace(loaded.root),
            environment=dict(os.environ),
            show=progress.show,
            limit=limit,
        )
    finally:
        progress.close()
    style = style_of(sys.stdout, os.environ)
    return render_probe(found.outcomes, found.conclusion, style, left=found.left, seconds=found.seconds)


def _print_record(record: RunRecord, *, quiet: bool, as_json: bool, late: ExitStack | None = None) -> Exit:
    """Print a run, and return what ends the program with its exit code.

    Whatever becomes of the printing, the verdict stands and the tag is where the record says: any other code would tell
    of none. `late`: what kept the run from being interrupted; who prints into a pager must be able to.
    """
    from orchestrator.report.exit_code import exit_code_of  # noqa: PLC0415 - only those who print need it

    code = exit_code_of(record)
    try:
        shown = _record_as_json(record) if as_json else _record_as_text(record) if code or not quiet else b""
        if late is not None:
            late.close()
        write_out(shown)
    except NoVerdictError as error:
        _tell(f"{error.message}; `invoke show` prints the run again")
    except KeyboardInterrupt:
        _tell("interrupted before the result was printed; `invoke show` prints the run")
    for number in (signal.SIGINT, signal.SIGTERM):
        # It is told, and what is left takes no time: an end by a signal would have another exit code.
        signal.signal(number, signal.SIG_IGN)
    return Exit(code=code)


def _tell(line: str) -> None:
    with suppress(OSError):  # A full disk behind standard error: the exit code says it as well.
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


def _record_as_json(record: RunRecord) -> bytes:
    from orchestrator.record import dump_record  # noqa: PLC0415 - only those who print it need it

    return dump_record(record)


def _record_as_text(record: RunRecord) -> bytes:
    from orchestrator.report.text import render_text  # noqa: PLC0415 - only those who print it need it

    return _encoded(render_text(record, style_of(sys.stdout, os.environ)))


def _copy_record(record: RunRecord, path: Path) -> None:
    from orchestrator.report import write_file  # noqa: PLC0415 - only those who ask for it need it

    try:
        write_file(path, _record_as_json(record))
    except NoVerdictError as error:
        # There is a verdict, and the exit code tells it.
        _tell(f"{error.message}; the run is kept: `invoke show {record.run}`")


def _print(text: str) -> None:
    _print_bytes(_encoded(text))


def _encoded(text: str) -> bytes:
    shown = style_of(sys.stdout, os.environ).shown(text)
    return shown.encode(sys.stdout.encoding or "ascii", "replace")


def _print_bytes(content: bytes) -> None:
    try:
        write_out(content)
    except NoVerdictError as error:
        raise _ended(error) from None


def _take_run_by_position(words: list[str]) -> None:
    """Turn `show RUN` into `show --run RUN`: invoke knows no positional argument that may be left out."""
    flag = {"show": "--run", "report": "--run", "explain": "--cause"}.get(words[0] if words else "")
    if flag is not None and len(words) > 1 and not words[1].startswith("-"):
        words.insert(1, flag)


def _take_paths_by_position(words: list[str]) -> None:
    """Turn `lint A B` into `lint --path A --path B`, for the same reason."""
    if words[:1] != ["lint"]:
        return
    taken: list[str] = []
    for before, word in pairwise(words):
        value = word.startswith("-") or before in {"--spec", "-s", "--format", "-f", "--path", "-p"}
        taken += [word] if value else ["--path", word]
    words[1:] = taken


def _take_help_at_the_end(words: list[str]) -> None:
    """Turn `compare --help` into `--help compare`: invoke misses the task's words first, and then says no more."""
    if len(words) > 1 and "--help" in words[1:]:
        program.core[0].args["help"].value = words[0]
        words.clear()


def _parse_tasks() -> None:
    """Tell a wrong command line as any other mistake of usage: invoke's exit code for it says `refused` here."""
    try:
        Program.parse_tasks(program)
    except ParseError as error:
        repair = "`invoke --list` names the tasks, `invoke --help TASK` what one takes"
        raise _ended(UsageError(str(error), repair=repair)) from None


if hasattr(program, "core"):  # this file was loaded by invoke, and not by a test
    open_closed_streams()
    _take_run_by_position(program.core.unparsed)
    _take_paths_by_position(program.core.unparsed)
    _take_help_at_the_end(program.core.unparsed)
    program.parse_tasks = _parse_tasks  # type: ignore[method-assign]
