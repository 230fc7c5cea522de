"""The program that is taken was compiled from a stub, and the build behind it does not build that program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Related, Rule, Severity
from orchestrator.dockerfile.timeline.eviction import of_folder
from orchestrator.dockerfile.timeline.output import outputs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.output import Output
    from orchestrator.dockerfile.timeline.poison import Poison
    from orchestrator.dockerfile.timeline.read import Timeline


def _check(timeline: Timeline) -> Iterator[Finding]:
    for output in outputs(timeline):
        poison = next((each for each in output.state.poisons if _is_of(output, each)), None)
        if poison is None or output.example or not _behind(output, poison):
            continue
        later = [
            call for call in output.state.calls if call.call is not poison.call and call not in output.state.primes
        ]
        if later and all(call.call.key.folder != output.folder or call.call.key.mount for call in later):
            continue  # Another folder, or a mount: rules of their own.
        what = f"the build on line {later[-1].span.line} does not build it" if later else "no build follows"
        sure = poison.sure and not output.state.unreadable
        yield Finding(
            rule=RULE.id,
            severity=Severity.ERROR if sure else Severity.WARNING,
            span=output.span,
            message=f"{output.name} was compiled from a stub, and {what}",
            why="what lies in the target directory under that name is still the stub's program; it is copied as it is",
            repair=f"build it again behind COPY: drop the narrower `--bin`/`-p`, or add `--bin {output.name}`",
            related=(
                Related(span=poison.call.span, text="compiles the stub"),
                *(Related(span=call.span, text="builds something else") for call in later[-1:]),
            ),
        )


def _behind(output: Output, poison: Poison) -> bool:
    """Return whether the file is taken once the real source is there."""
    replaced = poison.replaced
    return not output.within or (replaced is not None and replaced.step.line <= output.step.line)


def _is_of(output: Output, poison: Poison) -> bool:
    """Return whether a stub's artifact, whose real source is there, is what is taken."""
    key = poison.call.key
    if (
        poison.replaced is None
        or poison.evicted
        or key.mount is not None
        or key.folder != output.folder
        or not output.name
    ):
        return False
    unit = output.state.unit(poison)
    if unit is None or unit.kind not in {"main", "bin"}:
        return False
    if unit.name is not None:
        return unit.name == output.name
    units = (output.state.unit(each) for each in output.state.poisons)
    others = {each.name for each in units if each is not None}
    own = unit.folder == poison.call.directory
    return of_folder(output.name, unit.folder) or (own and output.name not in others)


RULE = Rule(
    id="program-not-rebuilt",
    severity=Severity.ERROR,
    covers=("A4", "A5"),
    summary="a second build that is narrower than the first, or none at all, and a program of the first that ships",
    check=_check,
)
