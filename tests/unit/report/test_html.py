"""The HTML report: valid, self-contained, complete, and deaf to what programs printed."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.report.html_page import render
from orchestrator.report.html_transcripts import aligned
from orchestrator.report.markup import element

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.record import LineFacts, RunRecord

    PageReader = Callable[[bytes], Any]


def test_every_page_is_well_formed_and_its_links_lead_somewhere(record: RunRecord, page: PageReader) -> None:
    """Each element is closed where it must be, ids are unique, and no link is dead."""
    read = page(render(record))
    assert len(read.ids) == len(set(read.ids))
    assert {link.removeprefix("#") for link in read.links} <= set(read.ids)


def test_the_page_is_self_contained(record: RunRecord, page: PageReader) -> None:
    """It can be mailed, archived and opened without a network; there is no script in it."""
    content = render(record).decode()
    read = page(content.encode())
    assert not {"script", "link", "img", "iframe", "object"} & set(read.tags)
    assert not {"src", "srcset", "style", "onclick", "onload"} & read.attributes
    assert "default-src &#x27;none&#x27;" in content
    assert not re.search(r"url\(|@import|https?://", content)


def test_hostile_text_stays_text(hostile: RunRecord, page: PageReader) -> None:
    """Markup in a log line or a file name is shown and not obeyed."""
    read = page(render(hostile))
    assert not {"script", "img", "iframe"} & set(read.tags)
    assert not any(name.startswith("on") for name in read.attributes)
    assert "<script>alert(1)</script>" in read.text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", read.text)


def test_a_refusal_links_to_the_quoted_line(refused: RunRecord, page: PageReader) -> None:
    """Cause, repair, and the Dockerfile's line with its text stand on the page, and the verdict links to it."""
    read = page(render(refused))
    assert read.links[0] == "#infrastructure-docker-Dockerfile-backend-42"
    assert "COPY --from=builder /build/target/release/backend-admin /usr/local/bin/backend" in read.text
    assert read.marked.count("here") == 1
    assert refused.verdict is not None
    assert refused.verdict.repair is not None
    for word in re.findall(r"[a-z]{4,}", refused.verdict.repair):
        assert word in read.text


def test_every_check_and_all_its_evidence_is_there(record: RunRecord, page: PageReader) -> None:
    """Nothing is left out of the report that is meant to hold everything."""
    text = " ".join(page(render(record)).text.split())
    for check in record.checks:
        assert " ".join(check.message.replace("`", "").split()) in text.replace("`", "")
        for fact in check.evidence:
            assert " ".join(fact.value.split()) in text


def test_both_pictures_are_drawn(refused: RunRecord) -> None:
    """The timeline has every lane, and the sizes say which programs are not the host's."""
    content = render(refused).decode()
    timeline, sizes = (re.search(rf'<svg [^>]*class="{name}">(.*?)</svg>', content) for name in ("timeline", "sizes"))
    assert timeline is not None
    assert sizes is not None
    assert all(lane in timeline[1] for lane in ("Local build", "Image build", "Checks"))
    assert (sizes[1].count('class="same"'), sizes[1].count('class="other"')) == (1, 2)
    assert 'width="77.14%"' in sizes[1]


def test_bars_stay_within_the_picture(record: RunRecord) -> None:
    """A step that a clock puts past the run's end is still drawn inside."""
    late = dataclasses.replace(record, seconds=0.001)
    for x, width in re.findall(r'<rect x="([\d.]+)%"[^>]* width="([\d.]+)%"', render(late).decode()):
        assert float(x) + float(width) <= 100.31


def test_a_record_of_an_older_run_has_no_timeline_and_still_a_page(passed: RunRecord, page: PageReader) -> None:
    """Without start times nothing is drawn at a made-up place."""
    older = dataclasses.replace(
        passed,
        steps=tuple(dataclasses.replace(step, started=None) for step in passed.steps),
        transcripts=(),
        local=None,
    )
    content = render(older).decode()
    assert 'class="timeline"' not in content
    assert f"All {len(passed.steps)} steps" in content
    page(content.encode())


def test_a_failure_shows_the_compilers_words(failed: RunRecord) -> None:
    """They keep their line breaks."""
    content = render(failed).decode()
    assert "error[E0425]: cannot find value `x` in this scope\n --&gt; src/main.rs:3:5" in content
    assert "exit code 10" in content


def test_lines_that_belong_together_stand_side_by_side(passed: RunRecord) -> None:
    """Times and ports differ from run to run, and are no reason to tear two lines apart."""
    local, image = passed.transcripts
    pairs = list(aligned(local.head, image.head))
    assert len(pairs) == 10
    assert all(same for _, _, same in pairs)
    shorter: tuple[LineFacts, ...] = image.head[2:]
    pairs = list(aligned(local.head, shorter))
    assert [right is None for _, right, _ in pairs] == [True, True] + [False] * 8


def test_both_transcripts_are_shown_with_what_was_not_kept(passed: RunRecord, page: PageReader) -> None:
    """A log that was cut says so, and how much."""
    local, image = passed.transcripts
    cut = dataclasses.replace(image, head=image.head[:2], tail=image.head[8:])
    read = page(render(dataclasses.replace(passed, transcripts=(local, cut))))
    assert "6 lines not kept" in read.text
    assert read.text.count("MAIN FUNCTION CALLED") == 2


def test_what_the_smoke_plan_asks_is_folded_away_where_it_holds(
    passed: RunRecord, refused: RunRecord, page: PageReader
) -> None:
    """A failed one opens the list."""
    for record, says, opened in ((passed, "2 of 2", False), (refused, "2 of 4", True)):
        read = page(render(record))
        assert f"{says} expectations of the image hold" in read.text
        assert ("open" in read.attributes) is opened
        assert "db: up after 2.5 s" in read.text


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (element("a", "<b>", href='"x"'), '<a href="&quot;x&quot;">&lt;b&gt;</a>'),
        (element("p", ["a", element("br"), None, "b"]), "<p>a<br>b</p>"),
        (element("details", open=True), "<details open></details>"),
        (element("details", open=False), "<details></details>"),
        (element("rect", stroke_width=1.5, class_="x"), '<rect stroke-width="1.5" class="x"></rect>'),
    ],
)
def test_elements_escape_what_is_in_them(made: str, expected: str) -> None:
    """Texts and attributes are escaped, finished markup is not."""
    assert made == expected
