"""One build of the local side from scratch, in a folder of its own, with one circumstance changed."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.build.ground import prepare_ground
from orchestrator.build.local import build_local
from orchestrator.engine.process import run
from orchestrator.errors import ToolMissingError
from orchestrator.workspace import Workspace

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping

    from orchestrator.build.local import LocalBuild, LocalPlan
    from orchestrator.events import Emit

_HELD_STILL = Path(__file__).with_name("held_still.c")
_SHARED = ("cargo", "artifacts")
"""What a probe takes from the project's workspace, and what it leaves there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a probing build has otherwise than the local build; nothing where all is left as it is.

    Attributes:
        variables: set for cargo and all that it starts.
        clock: seconds since 1970 at which the clock stands still for every program that asks libc for the time.
        steady_random: whether libc's random numbers are the same in each process.
        host: the host name.
        user: the number of the user that the build sees itself run as, where it has a namespace.
        folder: where the sources seem to lie.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    clock: int | None = None
    steady_random: bool = False
    host: str | None = None
    user: int = 0
    folder: str | None = None


def build_under(
    circumstances: Circumstances,
    plan: LocalPlan,
    *,
    workspace: Workspace,
    log: Path,
    environment: Mapping[str, str],
    emit: Emit,
    cancel: threading.Event,
) -> LocalBuild:
    """Build the program under other circumstances; every crate is compiled, and the program is kept.

    Args:
        circumstances: what is changed.
        plan: what the run's local build was made from.
        workspace: gives crates and keeps the program; its target directory is left alone.
        log: file for all that cargo says.
        environment: the caller's variables (PATH).
        emit: told the progress.
        cancel: set to end the build.

    Raises:
        LocalBuildFailedError: cargo failed.
        ToolMissingError: there is no C compiler to make what holds the clock still.
        InterruptedRunError: `cancel` was set.
    """
    variables = {**plan.variables, **circumstances.variables}
    plan = replace(plan, variables=variables, host=circumstances.host or plan.host, user=circumstances.user)
    if circumstances.folder is not None:
        plan = replace(plan, paths=replace(plan.paths, workspace=circumstances.folder))
    with _apart(workspace) as shelf:
        if circumstances.clock is not None or circumstances.steady_random:
            plan = replace(plan, variables={**variables, **_held_still(circumstances, plan, shelf, environment)})
        return build_local(plan, workspace=shelf, log=log, environment=environment, emit=emit, cancel=cancel)


@contextmanager
def _apart(workspace: Workspace) -> Iterator[Workspace]:
    """Give a workspace below the scratch folder that has the crates and programs of the real one and nothing else."""
    with tempfile.TemporaryDirectory(dir=workspace.scratch, prefix="probe-") as folder:
        for name in _SHARED:
            (workspace.root / name).mkdir(exist_ok=True)
            (Path(folder) / name).symlink_to((workspace.root / name).absolute())
        yield Workspace.open(Path(folder))


def _held_still(
    circumstances: Circumstances, plan: LocalPlan, shelf: Workspace, environment: Mapping[str, str]
) -> dict[str, str]:
    """Compile what is preloaded, to where the build can see it, and return the variables that make it work."""
    compiler = shutil.which("cc", path=environment.get("PATH"))
    if compiler is None:
        raise ToolMissingError(
            "no C compiler `cc` is on the PATH, which is needed to hold the clock still for a probe",
            repair="install one, such as Debian's gcc",
        )
    ground = prepare_ground(plan, workspace=shelf, environment=environment)
    library = shelf.target.absolute() / "held_still.so"
    made = run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(_HELD_STILL)], environment=environment)
    if made.exit_code:
        raise ToolMissingError(
            f"{compiler} cannot make a shared library", detail=(made.stderr.decode(errors="replace"),)
        )
    held = {"LD_PRELOAD": ground.place.inside(library)}
    if circumstances.clock is not None:
        held["TWINBUILD_HELD_CLOCK"] = str(circumstances.clock)
    if circumstances.steady_random:
        held["TWINBUILD_HELD_RANDOM"] = "1"
    return held
