"""A comparison as a page and as Markdown: valid, complete, true in its pictures, and deaf to names of programs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.binary.content.bodies import BodyDifference, BodyPair
from orchestrator.binary.content.constants import ConstantDifference
from orchestrator.binary.content.explain import ContentDifference
from orchestrator.binary.content.instructions import Excerpt, InstructionDifference, Row
from orchestrator.binary.content.layout import Body
from orchestrator.binary.profile import BinaryProfile, Format, Function, SectionFacts
from orchestrator.parity.aspects import look_at
from orchestrator.parity.cause import diagnose
from orchestrator.parity.compare import compare
from orchestrator.parity.rung import Rung
from orchestrator.report.compare_html import render_comparison_html
from orchestrator.report.compare_markdown import render_comparison_markdown
from orchestrator.report.compare_view import State, view_of
from orchestrator.report.treemap import Box, lay_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.parity.difference import Comparison

    PageReader = Callable[[bytes], Any]

_CRATES = ("backend", "tokio", "core")


def _symbol(crate: str, name: str) -> str:
    return f"_ZN{len(crate)}{crate}{len(name)}{name}E"


def _profile(digest: str, *, code: int, mark: str = "", alone: str | None = None) -> BinaryProfile:
    """Return a program whose every name ends in `mark`; `alone` is a crate that only it holds."""
    crates = [*_CRATES, *([alone] if alone else [])]
    functions = [Function(_symbol(crate + mark, f"work{mark}"), code + 10 * n) for n, crate in enumerate(crates)]
    functions.append(Function("_ZN7backend4mainE", 20))
    text = sum(function.size for function in functions)
    return BinaryProfile(
        sha256=digest * 64,
        size=4 * text,
        format=Format.ELF,
        machine="x86_64",
        kind="pie",
        sections=(
            SectionFacts(name=".text", size=text, flags="AX", sha256=digest * 64),
            SectionFacts(name=f".rodata{mark}", size=text // 2, flags="A", sha256="c" * 64),
            SectionFacts(name=".bss", size=1 << 30, flags="AW", sha256=None),
            SectionFacts(name=".debug_info", size=2 * text, flags="", sha256=digest * 64),
            *([SectionFacts(name=".only", size=9, flags="A", sha256="d" * 64)] if alone else []),
        ),
        code_sha256=digest * 64,
        data_sha256="e" * 64,
        functions=tuple(functions),
        stripped=False,
        comment=(f"GCC: 12{mark}",),
        crates=(f"tokio{mark} 1.2.3",),
        roots=(f"/home/{mark}ann",),
    )


def _compared(mark: str = "") -> Comparison:
    local, image = _profile("a", code=100, mark=mark, alone="extra"), _profile("b", code=100, mark=mark)
    work = _symbol(f"backend{mark}", f"work{mark}")
    content = ContentDifference(
        bodies=BodyDifference(
            same=3,
            moved=1,
            other_data=(),
            changed=(BodyPair(Body(work, 0, 100), Body(work, 0, 100)),),
            only_local=(Body(_symbol("extra", "work"), 200, 330),),
            only_image=(),
            between_equal=True,
        ),
        constants=ConstantDifference(sections=(), only_local=(), only_image=(), reordered=False, unwinding_equal=True),
        folders=(),
        instructions=InstructionDifference(
            excerpts=(Excerpt(name=work, rows=(Row(f"mov eax, 1{mark}", ""), Row("ret", f"nop{mark}")), more=7),)
        ),
        named=True,
    )
    return compare(local, image, own=("backend",), content=content)


def _rendered(comparison: Comparison, *, local: str = "program", accept: Rung = Rung.IDENTICAL) -> bytes:
    return render_comparison_html(local, "image:1:/usr/bin/program", comparison, accept=accept)


def test_the_page_is_well_formed_and_self_contained(page: PageReader) -> None:
    """It can be mailed, archived and opened without a network; there is no script in it."""
    content = _rendered(_compared())
    read = page(content)
    assert not {"script", "link", "img", "iframe", "object"} & set(read.tags)
    assert not {"src", "srcset", "style", "onclick", "onload"} & read.attributes
    assert "default-src &#x27;none&#x27;" in content.decode()
    assert not re.search(r"url\(|@import|https?://", content.decode())
    assert "prefers-color-scheme: dark" in content.decode()


def test_names_out_of_programs_stay_text(page: PageReader, hostile_text: str) -> None:
    """A symbol, a section, a tool or a folder may be called anything: it is shown and not obeyed."""
    read = page(_rendered(_compared(hostile_text), local=hostile_text))
    assert not {"script", "img", "iframe"} & set(read.tags)
    assert not any(name.startswith("on") for name in read.attributes)
    assert read.text.count("<script>alert(1)</script>") > 10
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800]", read.text)


def test_markdown_says_the_same_and_obeys_nothing(hostile_text: str) -> None:
    """Rung, every cause with its evidence and repair, every aspect; a name of a program opens no tag and no link."""
    comparison = _compared()
    assert comparison.difference is not None
    text = render_comparison_markdown("a", "b", comparison, accept=Rung.IDENTICAL).decode()
    assert f"refused: <code>{comparison.rung.value}</code>" in text
    for suspicion in diagnose(comparison.difference):
        assert f"<code>{suspicion.cause}</code>" in text
        assert all(fact.label in text for fact in suspicion.evidence)
    assert all(aspect.name in text.replace("\\", "") for aspect in look_at(comparison.difference))
    assert "mov eax, 1" in text
    hostile = render_comparison_markdown(hostile_text, "b", _compared(hostile_text), accept=Rung.IDENTICAL).decode()
    outside = re.sub(r"(?s)(`{3,})text\n.*?\n\1", "", hostile)
    assert not re.search(r"(?<!\\)<(?!/?(?:code|details|summary)>)", outside)
    same = _profile("a", code=100)
    assert "accepted" in render_comparison_markdown("a", "b", compare(same, same), accept=Rung.IDENTICAL).decode()


def test_verdict_rung_causes_and_repairs_are_on_the_page(page: PageReader) -> None:
    """What the screen and the JSON say stands there as well, and where the pair stands on the ladder."""
    comparison = _compared()
    assert comparison.difference is not None
    text = " ".join(page(_rendered(comparison)).text.split())
    for suspicion in diagnose(comparison.difference):
        assert suspicion.cause in text
        assert suspicion.repair.replace("`", "") in text
        assert all(" ".join(fact.value.split()) in text for fact in suspicion.evidence)
    assert "Refused" in text
    assert f"{comparison.rung.value}this pair" in text
    assert "mov eax, 1" in text
    assert "7 more rows differ" in text


def test_an_accepted_pair_is_told_what_it_is_accepted_for(page: PageReader) -> None:
    """No repair is asked for what passes."""
    text = page(_rendered(_compared(), accept=Rung.FOREIGN)).text
    assert "Accepted" in text
    assert "accepted down to here" in text


def test_an_identical_pair_has_a_short_page(page: PageReader) -> None:
    """There is nothing to be drawn."""
    same = _profile("a", code=100)
    read = page(_rendered(compare(same, same)))
    assert "the same, byte for byte" in read.text
    assert "svg" not in read.tags


def test_parts_are_told_apart_by_how_they_differ() -> None:
    """Equal, moved (as far as contents prove it), other, on one side: sections by bytes, crates by functions."""
    view = view_of("a", "b", _compared(), accept=Rung.IDENTICAL)
    sections = {part.name: part.state for part in view.sections}
    assert sections == {
        ".text": State.OTHER,
        ".rodata": State.MOVED,
        ".debug_info": State.OTHER,
        ".only": State.ALONE,
    }
    crates = {part.name: part.state for part in view.crates}
    assert crates == {
        "backend": State.OTHER,
        "tokio": State.SAME,
        "core": State.SAME,
        "extra": State.ALONE,
    }
    assert [(share.count, share.state) for share in view.shares] == [
        (3, State.SAME),
        (1, State.OTHER),
        (1, State.ALONE),
    ]
    assert sum(share.size for share in view.shares) == sum(
        function.size for function in _profile("a", code=100, alone="extra").functions or ()
    )


def test_areas_are_as_large_as_what_they_stand_for() -> None:
    """Each rectangle has its share, none overlaps another one, and none leaves the outer one."""
    sizes = [900.0, 400.0, 400.0, 130.0, 70.0, 9.0, 1.0, 0.0]
    outer = Box(10, 20, 350, 320)
    boxes = lay_out(sizes, outer)
    for size, box in zip(sizes, boxes, strict=True):
        assert box.area == pytest.approx(size * outer.area / sum(sizes), abs=1e-6)
        assert outer.x - 1e-6 <= box.x <= box.x + box.width <= outer.x + outer.width + 1e-6
        assert outer.y - 1e-6 <= box.y <= box.y + box.height <= outer.y + outer.height + 1e-6
    for number, one in enumerate(boxes):
        for other in boxes[number + 1 :]:
            across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
            down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
            assert min(across, down) < 1e-6


@pytest.mark.parametrize(
    ("sizes", "outer"), [([], Box(0, 0, 1, 1)), ([0.0, 0.0], Box(0, 0, 1, 1)), ([5.0], Box(0, 0, 0, 0))]
)
def test_nothing_to_draw_is_no_mistake(sizes: list[float], outer: Box) -> None:
    """A program without sections, and a picture without room."""
    assert all(box.area == 0 for box in lay_out(sizes, outer))
