"""The program is up once a command in the container says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from orchestrator.smoke.probes.probe import Look, Probe

if TYPE_CHECKING:
    from orchestrator.smoke.probes.probe import Target

_SECONDS = 5.0


def _words(value: Any) -> Any:
    # Behind the short form of the probe this comes as a list, which a strict tuple would not take.
    return tuple(value) if isinstance(value, list) else value


class CommandProbe(Probe):
    """A program of the image that is run beside the entrypoint, as the same user and without a shell."""

    only_image: ClassVar[bool] = True

    run: Annotated[tuple[str, ...], BeforeValidator(_words)] = Field(min_length=1)
    """Program and arguments."""

    exit: int = Field(default=0, ge=0, le=255)
    """The exit code that it must end with, within 5 s."""

    def look(self, target: Target) -> Look:
        """Run it once."""
        ended = target.execute(self.run, timeout=_SECONDS)
        if ended is None:
            return Look(holds=False, saw=f"it did not end within {_SECONDS:g} s")
        code, output = ended
        return Look(holds=code == self.exit, saw=f"it ended with exit code {code}: {output[:400]}")

    def sought(self) -> str:
        """Return what is waited for."""
        return f"the command `{' '.join(self.run)}`"
