"""The list of passages in an ask.

Each numbered line of the list is a sentence, and a model cites the sentence by this number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pytest
from conftest import ROOT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted import FETCHED_AT, fact, page

from octave_mcp.asks.passage_list import listed, numbers, to_show
from octave_mcp.asks.prompts import ask_for
from octave_mcp.asks.untrusted import one_line
from octave_mcp.domain.asks import ReadingBrief
from octave_mcp.domain.company import Company
from octave_mcp.domain.evidence import Cite, Evidence, Passage
from octave_mcp.domain.page import Page
from octave_mcp.domain.vendor import VendorElements
from octave_mcp.evidence.interest import Interest
from octave_mcp.evidence.passages import as_passage, passages, quotations
from octave_mcp.evidence.sentences import ends_of_sentences
from octave_mcp.sources.html.extraction import page_of

SITES = (ROOT.parent / "shared" / "sites", ROOT / "octave_mcp" / "demo" / "sites")
HERE = "https://lumenforge.example/about"
LINE = re.compile(r"(?:\[(?P<passage>\d+)[^\]]*\]|\((?P<sentence>\d+)\)) (?P<text>.*)")


class Shown(NamedTuple):
    """A line of the list: its text, and the citation of this text."""

    cite: Cite
    text: str


def text_of(shown: Sequence[Passage]) -> str:
    brief = ReadingBrief(role="vendor", company="Lumenforge", domain="lumenforge.example", counterpart="", context="")
    ask = ask_for(["vendor/offerings"], language="en", brief=brief, passages=tuple(shown), answer=VendorElements[Cite])
    return listed(ask, numbers(ask))


def shown_lines(shown: Sequence[Passage]) -> Iterator[Shown]:
    """Yield the numbered lines of the list.

    In the list, a heading has the number 0. To cite the heading, a model cites sentence 0 of the passage below the
    heading.
    """
    passage, headings = 0, list[str]()
    for line in text_of(shown).splitlines():
        if not (match := LINE.fullmatch(line)):
            continue
        if match["sentence"] == "0":
            headings.append(match["text"])
            continue
        if match["passage"]:
            passage = int(match["passage"])
            yield from (Shown(Cite(passage=passage, sentences=(0,)), heading) for heading in headings)
            headings.clear()
        yield Shown(Cite(passage=passage, sentences=(int(match["sentence"] or 1),)), match["text"])


def cited(shown: Sequence[Passage], number: int, *sentences: int) -> list[str]:
    return [e.quote for e in quotations(Cite(passage=number, sentences=sentences), shown, "vendor")]


def is_whole(passage: Passage) -> bool:
    """Return whether the passage is a table row or a row of logos. The list does not split such rows into sentences."""
    return passage.where == "logos" or " | " in passage.text


def check(read: Page, shown: Sequence[Passage]) -> None:
    for cite, text in shown_lines(shown):
        (evidence,) = quotations(cite, shown, "vendor")
        assert one_line(evidence.quote) == text
        assert read.text[evidence.start : evidence.end] == evidence.quote
        assert cite.sentences == (0,) or is_whole(shown[cite.passage - 1]) or not list(ends_of_sentences(text))


PIECES = (
    "# Ship fast. Sleep well.",
    "## 40% faster",
    "## Plans #",
    "## U.S. plans",
    "One is said. Two is said. “Three?” she asked.",
    "- An item. And more of it!",
    "> We like it. We do. — Ada",
    "| Team | $49. Per seat. |",
    "LOGOS Acme Inc., Bell Co. Ltd., Crane",
    "第一句。第二句！",
    "a\u2028line separator. And one more.",
    "Tabs\tand  spaces.  Kept",
    "",
)
FACTS = ("We light yards. You drill at night. Rework falls by 31%.", "Ada Lovering", "What is it? A lamp. It hangs.")


@pytest.mark.long
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=20), st.integers(0, 2**40))
def test_each_numbered_line_of_generated_pages_is_one_sentence_and_can_be_cited(lines: list[str], chosen: int) -> None:
    """`chosen` is a bit mask of the passages in the list."""
    read = page(HERE, "\n\n".join(lines), facts=[fact("Description", value) for value in FACTS])
    found = passages(read)
    check(read, [passage for at, passage in enumerate(found) if chosen >> at & 1])


@pytest.mark.parametrize("folder", SITES, ids=["collection", "demo"])
def test_each_numbered_line_of_real_pages_is_one_sentence_and_can_be_cited(folder: Any) -> None:  # noqa: ANN401 - a path
    files = sorted(file for file in folder.rglob("*.html") if file.name != "404.html")[::7]
    if not files:
        pytest.skip(f"{folder} is absent")
    for file in files:
        domain, *path = file.relative_to(folder).parts
        company = Company(role="vendor", domain=domain, url=f"https://{domain}.example")
        read = page_of(file.read_text("utf-8"), f"{company.url}/{'/'.join(path[:-1])}", company, FETCHED_AT)
        check(read, passages(read))
        check(read, to_show(passages(read), Interest("", "Quillport", "lamps"), 3000))


def test_a_heading_has_a_line_for_each_sentence_and_is_cited_in_parts_or_whole() -> None:
    shown = passages(page(HERE, "# Ship fast. Sleep well. Smile.\n\nWe light yards."))

    assert text_of(shown).splitlines()[2:5] == ["[1] Ship fast.", "(2) Sleep well.", "(3) Smile."]
    assert cited(shown, 1, 2) == ["Sleep well."]
    assert cited(shown, 1) == ["Ship fast. Sleep well. Smile."]


def test_a_fact_of_the_head_has_a_line_for_each_sentence_and_is_cited_in_parts_or_whole() -> None:
    shown = passages(page(HERE, "We light yards.", facts=[fact("Description", FACTS[0])]))

    assert text_of(shown).splitlines()[3:] == [
        "[2: Description, in its structured data] We light yards.",
        "(2) You drill at night.",
        "(3) Rework falls by 31%.",
    ]
    assert cited(shown, 2, 3) == ["Rework falls by 31%."]
    assert cited(shown, 2) == [FACTS[0]]


@pytest.mark.parametrize("row", ["| Team | $49. Per seat. |", "LOGOS Acme Inc. Bell Co. Crane"])
def test_a_row_stays_one_line(row: str) -> None:
    shown = passages(page(HERE, row))
    assert len(list(shown_lines(shown))) == 1


def quotation(text: str) -> Evidence:
    (evidence,) = quotations(Cite(passage=1), passages(page(HERE, text)), "vendor")
    return evidence


@pytest.mark.parametrize("sentences", [(), (1,), (2,), (1, 2), (3,), (0,)])
def test_a_quotation_of_two_sentences_has_two_lines_and_is_cited_whole(sentences: tuple[int, ...]) -> None:
    evidence = quotation("Rework fell by 31%. Nights are quiet.")
    shown = (as_passage(evidence),)

    assert [text for _, text in shown_lines(shown)] == ["Rework fell by 31%.", "Nights are quiet."]
    assert quotations(Cite(passage=1, sentences=sentences), shown, "vendor") == (evidence,)


def under_headings() -> tuple[Passage, ...]:
    """Return the passages below two headings, without the passages for the headings themselves."""
    text = "# Brassmere saved 31%\n\nIt took six weeks. Nights are quiet.\n\nThey stay.\n\n## Tidewell\n\nIt lit halls."
    return tuple(passage for passage in passages(page(HERE, text)) if not passage.text.startswith("#"))


def test_a_heading_that_is_not_shown_as_a_passage_is_sentence_0_of_those_below_it() -> None:
    shown = under_headings()

    assert text_of(shown).splitlines()[2:] == [
        "(0) Brassmere saved 31%",
        "[1] It took six weeks.",
        "(2) Nights are quiet.",
        "(3) They stay.",
        "(0) Tidewell",
        "[2] It lit halls.",
    ]
    assert cited(shown, 1, 0) == ["Brassmere saved 31%"]
    assert cited(shown, 1, 0, 2) == ["Brassmere saved 31%", "Nights are quiet."]
    assert cited(shown, 2, 1, 0) == ["Tidewell", "It lit halls."]


def test_a_heading_is_the_same_evidence_by_its_own_number_and_by_0() -> None:
    shown = passages(page(HERE, "# Brassmere saved 31%\n\nIt took six weeks."))

    assert text_of(shown).splitlines()[2:] == ["[1] Brassmere saved 31%", "[2] It took six weeks."]
    assert quotations(Cite(passage=2, sentences=(0,)), shown, "vendor") == quotations(Cite(passage=1), shown, "vendor")


def test_the_end_of_a_section_is_marked_if_the_next_passage_has_no_heading() -> None:
    found = passages(page(HERE, "# One\n\nFirst.\n\n## Two\n\nSecond.", facts=[fact("Founders", "Ada")]))
    assert "--" in text_of([found[1], found[-1]]).splitlines()


@pytest.mark.parametrize("sentences", [(9,), (1, 9), (-1,), (0,), (0, 2)])
def test_a_citation_of_an_unknown_sentence_means_the_whole_passage(sentences: tuple[int, ...]) -> None:
    shown = passages(page(HERE, "One is said. Two is said. Three is said."))
    assert cited(shown, 1, *sentences) == cited(shown, 1) == ["One is said. Two is said.", "Three is said."]
