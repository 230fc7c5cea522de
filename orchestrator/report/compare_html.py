"""A comparison of two programs as one HTML file: verdict, causes with evidence and repair, both programs as pictures.

A pure function of the comparison. Names and texts come out of programs that anybody may have made: all of them pass
`visible_value`, and what builds the page escapes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.cause import Likelihood
from orchestrator.parity.rung import Rung
from orchestrator.report.compare_pictures import bars, function_bar, loaded_size, program_map, ranked, state_key
from orchestrator.report.compare_view import State, view_of
from orchestrator.report.figures import size
from orchestrator.report.html_document import document, key
from orchestrator.report.html_findings import prose
from orchestrator.report.markup import Markup, element, joined
from orchestrator.report.untrusted import visible_value
from orchestrator.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.binary.content.instructions import Excerpt
    from orchestrator.parity.aspects import Aspect
    from orchestrator.parity.cause import Suspicion
    from orchestrator.parity.difference import Comparison
    from orchestrator.report.compare_view import ComparisonView, Names, Part
    from orchestrator.verdict import Evidence

_STYLES = ("html_page.css", "compare_html.css")
_SIGNS = {True: ("passed", "✓"), False: ("failed", "≠"), None: ("unknown", "?")}
_OPEN_EXCERPTS = 3
_TITLES = {"sections": "Section by section", "crates": "Crate by crate"}


def render_comparison_html(local: str, image: str, comparison: Comparison, *, accept: Rung) -> bytes:
    """Return the page; see `render_comparison` for the arguments."""
    view = visible_value(view_of(local, image, comparison, accept=accept))
    outcome = "accepted" if view.accepted else "refused"
    header = element(
        "header",
        element("h1", "Two programs compared"),
        element("p", element("code", view.local), " against ", element("code", view.image)),
    )
    footer = element("footer", f"Made by twinbuild {VERSION}. `invoke explain CAUSE` tells more about a cause.")
    title = f"{view.rung.value}, {outcome}: {view.local} against {view.image}"
    return document(title, header, element("main", _sections(view)), footer, styles=_STYLES)


def _sections(view: ComparisonView) -> Iterator[Markup]:
    yield _verdict(view)
    yield _section("How far apart", _ladder(view))
    yield _section("Programs", _programs(view))
    if view.causes:
        yield _section("Causes", [_cause(suspicion) for suspicion in view.causes])
    if view.sections:
        yield _section("What both are made of", _maps(view))
    if view.shares or view.names:
        yield _section("Functions", _functions(view))
    if view.excerpts:
        yield _section("Where functions differ", _excerpts(view.excerpts))
    if view.aspects:
        yield _section("Point by point", [_aspect(aspect) for aspect in view.aspects])


def _section(title: str, *content: Markup | Iterator[Markup] | list[Markup]) -> Markup:
    return element("section", element("h2", title), *content)


def _verdict(view: ComparisonView) -> Markup:
    word, kind = ("Accepted", "passed") if view.accepted else ("Refused", "refused")
    if view.rung is Rung.IDENTICAL:
        return element(
            "section",
            element("h2", word),
            element("p", "Both files are the same, byte for byte."),
            *(element("p", prose(_sentence(each.explanation))) for each in view.causes),
            class_="verdict passed",
        )
    facts = [("rung", f"{view.rung.value}; accepted down to {view.accept.value}"), ("held by", view.held_by)]
    facts.append(("concerns", view.concerns))
    lead = view.causes[0]
    named = "" if lead.cause == "unknown" else f"{lead.cause} ({lead.likelihood.name.lower()})"
    facts += [("cause", named), ("repair", "" if view.accepted else lead.repair)]
    rows = [joined(element("dt", label), element("dd", prose(text))) for label, text in facts if text]
    return element(
        "section", element("h2", word), element("p", prose(_sentence(lead.explanation))), element("dl", rows),
        class_=f"verdict {kind}",
    )  # fmt: skip


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _ladder(view: ComparisonView) -> Markup:
    rungs = tuple(Rung)
    steps = []
    for rung in rungs:
        here, limit = rung is view.rung, rung is view.accept
        notes = [note for note, there in (("this pair", here), ("accepted down to here", limit)) if there]
        better = rungs.index(rung) < rungs.index(view.rung)
        kind = ("here " + ("passed" if view.accepted else "failed")) if here else "better" if better else None
        steps.append(element("li", rung.value, element("small", ", ".join(notes)) if notes else None, class_=kind))
    return element("ol", steps, class_="ladder")


def _programs(view: ComparisonView) -> Markup:
    sides = (
        ("local", view.local, view.local_sha256, view.local_size),
        ("image", view.image, view.image_sha256, view.image_size),
    )
    heads = (("program", None), ("bytes", "number"), ("sha256", None), ("where it was", "wide"))
    rows = [
        element(
            "tr",
            element("th", side, scope="row"),
            element("td", f"{count:,}", class_="number"),
            element("td", element("code", digest)),
            element("td", element("code", origin), class_="wide"),
        )
        for side, origin, digest, count in sides
    ]
    head = element("tr", [element("th", name, scope="col", class_=kind) for name, kind in heads])
    return element("table", element("thead", head), element("tbody", rows), class_="programs")


def _cause(suspicion: Suspicion) -> Markup:
    kinds = {
        Likelihood.CERTAIN: ("failed", "✗"),
        Likelihood.LIKELY: ("failed", "✗"),
        Likelihood.POSSIBLE: ("unknown", "?"),
    }
    kind, sign = kinds[suspicion.likelihood]
    return element(
        "div",
        element("span", sign, class_=f"sign {kind}"),
        element("h3", suspicion.cause, element("code", suspicion.likelihood.name.lower())),
        element("p", prose(_sentence(suspicion.explanation))),
        element(
            "dl",
            [_row(fact) for fact in suspicion.evidence],
            element("dt", "repair"),
            element("dd", prose(suspicion.repair)),
        ),
        class_="check",
    )


def _row(fact: Evidence) -> Markup:
    return joined(element("dt", fact.label), element("dd", element("code", fact.value)))


def _maps(view: ComparisonView) -> Iterator[Markup]:
    loaded = {side: loaded_size(view.sections, side) for side in ("local", "image")}
    for side, whole in (("local", view.local_size), ("image", view.image_size)):
        picture = program_map(side, view.sections, view.crates, whole=(loaded[side], max(loaded.values())))
        told = f" {size(loaded[side])} loaded, of a file of {size(whole)}"
        yield element("figure", element("figcaption", element("strong", side), told), picture)
    yield key(*state_key())
    for name, parts in (("sections", view.sections), ("crates", view.crates)):
        if parts:
            equal = sum(part.state is State.SAME for part in parts)
            note = f"local above, image below; {equal} of {len(parts)} are equal and have no bar"
            yield element("h3", _TITLES[name], element("small", note))
            yield bars(parts)
            yield element("details", element("summary", f"All {len(parts)} {name}"), _table(parts))


def _table(parts: Sequence[Part]) -> Markup:
    words = {State.SAME: "equal", State.MOVED: "moved", State.OTHER: "differs", State.ALONE: "one side only"}
    rows = [
        element(
            "tr",
            element("td", element("code", part.name)),
            [
                element("td", "-" if count is None else f"{count:,}", class_="number")
                for count in (part.local, part.image)
            ],
            element("td", words[part.state]),
        )
        for part in ranked(parts)
    ]
    heads = (("name", None), ("local", "number"), ("image", "number"), ("", None))
    head = element("tr", [element("th", name, scope="col", class_=kind) for name, kind in heads])
    return element("table", element("thead", head), element("tbody", rows))


def _functions(view: ComparisonView) -> Iterator[Markup]:
    if view.shares:
        yield function_bar(view.shares)
        yield key(
            *(
                (f"part {share.state.value}", f"{share.count:,} {share.label} ({size(share.size)})")
                for share in view.shares
            )
        )
    yield from map(_names, view.names)


def _names(group: Names) -> Markup:
    left = group.count - len(group.names)
    return element(
        "details",
        element("summary", f"{group.count:,} {group.label}"),
        element("ul", [element("li", element("code", name)) for name in group.names], class_="names"),
        element("p", f"and {left:,} more", class_="dim") if left else None,
    )


def _excerpts(excerpts: Sequence[tuple[str, Excerpt]]) -> Iterator[Markup]:
    yield element(
        "p", "The instructions that differ; those that are the same on both sides are left out.", class_="dim"
    )
    for number, (name, excerpt) in enumerate(excerpts):
        heads = element("tr", element("th", "local", scope="col"), element("th", "image", scope="col"))
        rows = [element("tr", [_cell(text) for text in row], class_="differs") for row in excerpt.rows]
        if any(excerpt.source):
            rows.insert(0, element("tr", [_cell(text) for text in excerpt.source], class_="dim"))
        if excerpt.more:
            rows.append(element("tr", element("td", f"{excerpt.more:,} more rows differ", class_="gap", colspan=2)))
        yield element(
            "details",
            element("summary", element("code", name)),
            element("table", element("thead", heads), element("tbody", rows), class_="output code"),
            open=number < _OPEN_EXCERPTS,
        )


def _cell(text: str) -> Markup:
    return element("td", text) if text else element("td", class_="none")


def _aspect(aspect: Aspect) -> Markup:
    kind, sign = _SIGNS[aspect.equal]
    return element(
        "div",
        element("span", sign, class_=f"sign {kind}"),
        element("h3", aspect.name),
        element("p", aspect.summary),
        element(
            "details",
            element("summary", f"Details ({len(aspect.details)})"),
            element("dl", [_row(fact) for fact in aspect.details]),
        )
        if aspect.details
        else None,
        class_="check",
    )
