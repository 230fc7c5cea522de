"""What a project must change for bit-identical builds without this tool, on a screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.report.untrusted import visible
from orchestrator.report.width import wrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.report.style import Style
    from orchestrator.repro.advice import Advice
    from orchestrator.repro.recipe import PlainBuild
    from orchestrator.toolchains.cargo.dependency_scripts import DependencyScripts

_LABEL = 8
_INDENT = "    "


def render_repro(
    advice: Sequence[Advice],
    plain: PlainBuild,
    style: Style,
    *,
    native: Sequence[str],
    scripts: DependencyScripts,
    diff: str,
    written: Sequence[str],
) -> str:
    """Return the screen.

    Args:
        advice: what is left to be done; with `written`, without what was done.
        plain: how to build without this tool.
        style: of the terminal.
        native: crates that may look for libraries of the system.
        scripts: what the build scripts of dependencies ask.
        diff: of the repairs that are safe and not written yet.
        written: files that were changed.
    """
    blocks = [list(_advice(each, style)) for each in advice]
    if native:
        names = f"{', '.join(native)} may link a library of the system they are built on"
        blocks.append([*_text("crates", names, style), *_text("repair", _NATIVE, style)])
    blocks.append(list(_scripts(scripts, style)))
    blocks.append(list(_plain(plain, style)))
    if diff:
        blocks.append(visible(diff).rstrip("\n").split("\n"))
    blocks.append(list(_summary(advice, diff, written, style)))
    return style.shown("\n\n".join("\n".join(block) for block in blocks if block)) + "\n"


_NATIVE = (
    "have the same -dev packages on both sides, or link the bundled copy (`<LIB>_STATIC=1`, a feature such as "
    "`vendored`); `invoke lock` takes down what pkg-config finds on both"
)


def _scripts(scripts: DependencyScripts, style: Style) -> Iterator[str]:
    for each in scripts.found:
        asked = f"`{each.impurity.found}` in its build script ({each.file}:{each.impurity.line})"
        yield from _text("crates", f"{each.package}: {asked} may get into the program", style)
    if scripts.found:
        yield from _text("repair", _SCRIPTS, style)
    if scripts.unread:
        lacking = f"{scripts.unread:,} dependencies are not unpacked here, and their build scripts not read"
        yield from _text("unread", f"{lacking}; `invoke build` or `cargo fetch` brings them", style)


_SCRIPTS = (
    "set SOURCE_DATE_EPOCH on both sides where the script honours it, and build both without `.git`; "
    "`invoke build --probe` tells whether it does get in"
)


def _advice(advice: Advice, style: Style) -> Iterator[str]:
    lines = wrap(f"{visible(str(advice.location))}: {visible(advice.found)}", style.width - len(_INDENT))
    for number, line in enumerate(lines):
        yield style.paint(line, "bold") if number == 0 else _INDENT + line
    yield from _text("repair", advice.repair + (" (--write does it)" if advice.edit else ""), style)
    yield from _text("cause", f"{advice.cause} (`invoke explain {advice.cause}`)", style)


def _text(label: str, text: str, style: Style) -> Iterator[str]:
    for number, line in enumerate(wrap(visible(text), style.width - _LABEL - len(_INDENT))):
        yield f"{_INDENT}{label if number == 0 else '':{_LABEL}}{line}"


def _plain(plain: PlainBuild, style: Style) -> Iterator[str]:
    yield from wrap(
        "This tool builds both sides at the same paths with the same flags. Without it, run this in the workspace's "
        "folder on the host, and the same in the Dockerfile's RUN step:",
        style.width,
    )
    yield ""
    # Not wrapped: it is meant to be copied.
    yield from (_INDENT + visible(line) for line in plain.lines)
    if plain.left:
        yield ""
        yield from _text("but", plain.left, style)


def _summary(advice: Sequence[Advice], diff: str, written: Sequence[str], style: Style) -> Iterator[str]:
    if written:
        yield f"{style.paint(style.sign('✓'), 'green')} changed {', '.join(map(visible, written))}"
    if advice:
        things = "1 thing stands" if len(advice) == 1 else f"{len(advice)} things stand"
        more = "; `invoke repro --write` applies the diff" if diff else ""
        yield f"{style.paint(things, 'yellow')} between plain builds and bit-identical programs{more}"
    elif not written:
        yield f"{style.paint(style.sign('✓'), 'green')} nothing was found that stands between plain builds and identity"
