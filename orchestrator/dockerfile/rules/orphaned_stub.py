"""The program that is taken has no source in the real crate: only the stub ever built it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.dockerfile.rules.rule import Finding, Related, Rule, Severity
from orchestrator.dockerfile.timeline.output import outputs
from orchestrator.dockerfile.timeline.poison import guessed_unit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.timeline.output import Output
    from orchestrator.dockerfile.timeline.poison import Poison
    from orchestrator.dockerfile.timeline.read import Timeline


def _check(timeline: Timeline) -> Iterator[Finding]:
    for output in outputs(timeline):
        poison = orphan(timeline, output)
        if poison is not None and timeline.context is not None:
            package = next(each for each in timeline.context.packages if each.name == output.name)
            programs = ", ".join(target.name for target in package.of_kind("bin")) or "none"
            yield Finding(
                rule=RULE.id,
                severity=Severity.ERROR,
                span=output.span,
                message=f"{output.name} is the stub's program: the real package has no program of that name",
                why=f"the stub {poison.path} made a program called like the package; the real package's programs are: "
                f"{programs}. Nothing ever replaces or removes the stub's",
                repair="copy the program that the package really has, and give the stub the real targets' file names",
                related=(Related(span=poison.written, text="writes the stub"),),
            )


def orphan(timeline: Timeline, output: Output) -> Poison | None:
    """Return the stub whose program, called like the package, no real source stands for; None where there is none."""
    context = timeline.context
    if context is None or output.name not in {package.name for package in context.packages}:
        return None
    if any(target.name == output.name for package in context.packages for target in package.of_kind("bin")):
        return None
    for poison in output.state.poisons:
        unit = guessed_unit(poison.path)
        if (
            poison.replaced is None
            and unit is not None
            and unit.kind == "main"
            and poison.call.key.folder == output.folder
        ):
            return poison
    return None


RULE = Rule(
    id="orphaned-stub",
    severity=Severity.ERROR,
    covers=("A6",),
    summary="a stub `src/main.rs` of a package whose real programs have other names (needs the project)",
    check=_check,
)
