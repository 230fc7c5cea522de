"""Why a run has no answer: one class and one exit code each.

A gate that says no is not an error: that is a verdict (exit code 1). These are the reasons for which no verdict
could be reached. The codes are part of the interface (docs/reference/exit-codes.md) and never change their meaning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from orchestrator.location import Location


class NoVerdictError(Exception):
    """The base of every error a user may meet; `tasks.py` catches this type and no other.

    Args:
        message: what happened, in one sentence, with what was found and what was expected.
        location: the place in a file that causes it.
        repair: what to do, as a command or an edit.
        detail: further lines, shown indented below the message (a log tail, a list of mistakes).
    """

    exit_code: ClassVar[int]
    cause: ClassVar[str]

    def __init__(
        self,
        message: str,
        *,
        location: Location | None = None,
        repair: str | None = None,
        detail: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.location = location
        self.repair = repair
        self.detail = detail


class SpecInvalidError(NoVerdictError):
    """`buildspec.yaml` is missing, is no valid YAML or holds mistakes (all of them are in `detail`)."""

    exit_code, cause = 2, "spec-invalid"


class UsageError(NoVerdictError):
    """The command line asks for something that does not exist or does not fit together."""

    exit_code, cause = 3, "usage"


class EngineUnreachableError(NoVerdictError):
    """No Docker engine answers, or the one that did went away, or failed by its own fault, during the run."""

    exit_code, cause = 4, "engine-unreachable"


class EngineUnsupportedError(NoVerdictError):
    """The engine answers, and lacks something that is needed (too old, BuildKit off)."""

    exit_code, cause = 5, "engine-unsupported"


class ToolMissingError(NoVerdictError):
    """A program this machine needs (cargo, a C compiler, mmdebstrap, git) is not there."""

    exit_code, cause = 6, "tool-missing"


class ToolchainMismatchError(NoVerdictError):
    """The builder's base holds another toolchain than the spec or the host says, or a package asks for a newer one."""

    exit_code, cause = 7, "toolchain-mismatch"


class SourceUnreadableError(NoVerdictError):
    """The source tree cannot be read as a whole (permission, a link out of the root, changed while reading)."""

    exit_code, cause = 8, "source-unreadable"


class BaseUnavailableError(NoVerdictError):
    """A base image can be neither found, pulled nor bootstrapped."""

    exit_code, cause = 9, "base-unavailable"


class LocalBuildFailedError(NoVerdictError):
    """The build on the host failed; `detail` shows the compiler's own words."""

    exit_code, cause = 10, "local-build-failed"


class DockerfileInvalidError(NoVerdictError):
    """The Dockerfile is missing, cannot be parsed, or lacks the stage that the spec names."""

    exit_code, cause = 11, "dockerfile-invalid"


class ImageBuildFailedError(NoVerdictError):
    """A step of the image build failed; `location` is its line, `detail` the step's last lines."""

    exit_code, cause = 12, "image-build-failed"


class NoSpaceError(NoVerdictError):
    """A disk is full: the workspace's or the engine's."""

    exit_code, cause = 13, "no-space"


class WorkspaceBusyError(NoVerdictError):
    """Another run holds this project's workspace and waiting was not wanted or took too long."""

    exit_code, cause = 14, "workspace-busy"


class RecordUnreadableError(NoVerdictError):
    """A run record is missing, damaged or of a version that this tool does not know."""

    exit_code, cause = 15, "record-unreadable"


class StepTimeoutError(NoVerdictError):
    """A build step exceeded its time limit, or was silent for too long."""

    exit_code, cause = 16, "step-timeout"


class LockDriftError(NoVerdictError):
    """`--locked` was given, and something is not as `buildspec.lock` says; `detail` names each."""

    exit_code, cause = 17, "lock-drift"


class LockInvalidError(NoVerdictError):
    """`buildspec.lock` holds mistakes, is of another platform, or is missing where `--locked` asks for it."""

    exit_code, cause = 18, "lock-invalid"


class InterruptedRunError(NoVerdictError):
    """The user ended the run (SIGINT or SIGTERM). 130 is what shells expect of that."""

    exit_code, cause = 130, "interrupted"


def run_ended() -> InterruptedRunError:
    """Return the error for a run that the user ended, wherever it was just then."""
    return InterruptedRunError("the run was ended; no tag was moved", repair="run it again")


def every_error() -> tuple[type[NoVerdictError], ...]:
    """Return all error classes, by exit code: the table in the documentation is checked against this."""
    return tuple(sorted(NoVerdictError.__subclasses__(), key=lambda cls: cls.exit_code))
