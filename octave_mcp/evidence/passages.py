"""Cuts pages into passages, and copies quotations from them.

A model cites only the numbers of passages and sentences. Because this module copies the quotation from the page, the
model cannot misquote it.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import NamedTuple

from octave_mcp.domain.company import Role
from octave_mcp.domain.evidence import Cite, Evidence, EvidenceId, Passage
from octave_mcp.domain.page import Labelled, Page, PageRef, Place, is_in_head
from octave_mcp.domain.prospect import Confidence
from octave_mcp.evidence.dates import date_of_heading
from octave_mcp.evidence.sentences import ends_of_sentences

PASSAGE_CHARACTERS = 300
MAX_QUOTATION_SENTENCES = 2
# Models see the headings of their passages, so a long heading would cost many tokens.
MAX_HEADING_CHARACTERS = 500
STALE_MONTHS = 18

Span = tuple[int, int]
_CELL_SEPARATOR = " | "
# Matches Markdown marks before a sentence, such as '#', '-', '1.', '>' and '|'.
_MARK = re.compile(r"[ \t]*(?:#{1,6}\s+|(?:>\s*)?[-*+]\s+|(?:>\s*)?\d{1,3}[.)]\s+|>\s?(?:[—–]\s)?|\|\s*)?")
# Lines without text: '---', '|:--|--:|', '> '.
_RULE = re.compile(r"^[\s|:*_>-]*$")


def passages(page: Page) -> tuple[Passage, ...]:
    """Cut the page into numbered passages. A passage has about 300 characters, in whole sentences under one heading.

    The passage's date is the date in its heading, unless the page itself is older. A page description, a row of logos
    and other labelled text become separate passages.
    """
    cut: list[Passage] = []
    group: list[tuple[int, int]] = []
    heading = _Heading("", 0)

    def close() -> None:
        if group:
            cut.append(_passage(page, len(cut) + 1, heading, group))
            group.clear()

    for line in re.finditer(r"[^\n]+", page.text):
        if stretch := _labelled(page, line):
            close()
            cut.append(_labelled_passage(page, len(cut) + 1, heading, stretch))
            continue
        if _RULE.match(line[0]):
            continue
        spans = list(_sentences(line[0], line.start()))
        if line[0].lstrip().startswith("#"):
            close()
            heading = _heading(line)
        for span in spans:
            if group and span[1] - group[0][0] > PASSAGE_CHARACTERS:
                close()
            group.append(span)
        if line[0].lstrip().startswith("#"):
            close()
    close()
    return tuple(_dated(cut))


class _Heading(NamedTuple):
    text: str
    start: int


def _heading(line: re.Match[str]) -> _Heading:
    text = line[0].strip("# \t")[:MAX_HEADING_CHARACTERS]
    return _Heading(text, line.start() + line[0].find(text))


def _labelled(page: Page, line: re.Match[str]) -> Labelled | None:
    """Return the labelled text on this line, or None.

    A bullet can precede the text, because logos are sometimes in a list.
    """
    at = bisect_left(page.labelled, line.start(), key=lambda stretch: stretch.start)
    stretch = page.labelled[at] if at < len(page.labelled) else None
    return stretch if stretch and stretch.start < line.end() else None


def _labelled_passage(page: Page, number: int, heading: _Heading, stretch: Labelled) -> Passage:
    return Passage(
        page=page.ref,
        number=number,
        start=stretch.start,
        heading="" if is_in_head(stretch.where) else heading.text,
        heading_start=heading.start,
        text=page.text[stretch.start : stretch.end],
        sentences=((0, stretch.end - stretch.start),),
        label=stretch.label,
        where=stretch.where,
    )


def _dated(cut: Sequence[Passage]) -> Iterator[Passage]:
    """Yield the passages. A passage under a dated heading gets the date of the heading.

    The date of a heading applies up to the next heading of the same or a higher level.
    """
    since: tuple[int, PageRef] | None = None
    for passage in cut:
        if is_in_head(passage.where):
            yield passage
            continue
        text = passage.text.lstrip()
        if level := 0 if passage.where else len(text) - len(text.lstrip("#")):
            since = None if since and level <= since[0] else since
            dated = _dated_by_heading(passage.heading, passage.page)
            since = (level, dated) if dated else since
        yield passage.model_copy(update={"page": since[1]}) if since else passage


def _dated_by_heading(heading: str, page: PageRef) -> PageRef | None:
    """Return the page with the date of the heading, or None if the heading has no date.

    A future year, as in 'Roadmap 2030', does not count as a date.
    """
    read_on, on = page.fetched_at.date(), date_of_heading(heading)
    if on is None or on.year > read_on.year:
        return None
    return page.model_copy(update={"published_on": min(on, read_on, page.published_on or on)})


def _sentences(line: str, offset: int) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each sentence, without Markdown marks such as '#' and '-'.

    The start and end are offsets in the page. A heading or a table row is one sentence.
    """
    mark = _MARK.match(line)
    start = mark.end() if mark else 0
    table = line.lstrip().startswith("|")
    cuts = [] if table or line.lstrip().startswith("#") else list(ends_of_sentences(line, start))
    for first, last in zip([start, *cuts], [*cuts, len(line)], strict=True):
        text = line[first:last].rstrip(" \t|" if table else " \t")
        if text.strip():
            lead = len(text) - len(text.lstrip())
            yield offset + first + lead, offset + first + len(text)


def _passage(page: Page, number: int, heading: _Heading, spans: Sequence[tuple[int, int]]) -> Passage:
    line = page.text.rfind("\n", 0, spans[0][0]) + 1
    marked = _MARK.match(page.text, line)
    # The first sentence keeps its Markdown mark, so that a model can recognise a list entry or a quotation.
    start = line if marked and marked.end() == spans[0][0] else spans[0][0]
    end = spans[-1][1]
    return Passage(
        page=page.ref,
        number=number,
        start=start,
        heading=heading.text,
        heading_start=heading.start,
        text=page.text[start:end],
        sentences=tuple((first - start, last - start) for first, last in spans),
    )


def as_passage(evidence: Evidence, page_number: int = 1) -> Passage:
    """Return a passage that consists of the quotation.

    If a model cites this passage, the result is evidence with the same id as `evidence`.
    """
    return Passage(
        page=PageRef(
            url=evidence.url,
            sha256=evidence.page_sha256,
            title=evidence.page_title,
            kind=evidence.page_kind,
            language=evidence.language,
            fetched_at=evidence.fetched_at,
            published_on=evidence.published_on,
            sister_of=evidence.sister_of,
        ),
        number=page_number,
        start=evidence.start,
        heading="",
        text=evidence.quote,
        sentences=((0, len(evidence.quote)),),
        label=evidence.label,
        where=evidence.where,
        is_quotation=True,
    )


def numbered(passage: Passage) -> tuple[Span, ...]:
    """Return the numbered sentences that a model sees, as start and end offsets in the text of the passage.

    A quotation or a page description is stored without its sentence boundaries, so it is split into sentences here.
    Table rows and rows of logos are never split.
    """
    (first, last), *more = passage.sentences
    if more or passage.where == "logos" or (not passage.where and _CELL_SEPARATOR in passage.text):
        return passage.sentences
    ends = [first, *ends_of_sentences(passage.text, first), last]
    return tuple(_trimmed(passage.text, *span) for span in pairwise(ends))


def _trimmed(text: str, first: int, last: int) -> Span:
    return first, first + len(text[first:last].rstrip())


def quotations(cite: Cite, shown: Sequence[Passage], role: Role) -> tuple[Evidence, ...]:
    """Return the evidence for a citation.

    Each quotation consists of one sentence, or of two neighbouring sentences on the same line.

    Raises:
        LookupError: If the ask has no such passage.
    """
    passage, sentences = resolved(cite, shown)
    spans = numbered(passage)
    if not sentences or passage.is_quotation:
        spans, sentences = passage.sentences, tuple(range(1, len(passage.sentences) + 1))
    heading = [_heading_quotation(passage, role)] if 0 in sentences else []
    below = [number for number in sentences if number]
    return *heading, *(
        _evidence(passage, first, last, role) for first, last in _quotation_spans(passage.text, spans, below)
    )


def resolved(cite: Cite, shown: Sequence[Passage]) -> tuple[Passage, tuple[int, ...]]:
    """Return the cited passage and the sorted numbers of the cited sentences.

    If the citation contains no sentence numbers, it cites the whole passage.

    Raises:
        LookupError: If the ask has no such passage.
    """
    if not 1 <= cite.passage <= len(shown):
        raise LookupError(f"passage {cite.passage} was not shown; there are {len(shown)}")
    passage = shown[cite.passage - 1]
    lowest = 0 if passage.heading else 1
    # Sentence 0 is the heading. If a sentence number does not exist, the whole passage is cited instead.
    is_known = all(lowest <= number <= len(numbered(passage)) for number in cite.sentences)
    return passage, tuple(sorted(set(cite.sentences))) if is_known else ()


def _quotation_spans(text: str, spans: Sequence[Span], numbers: Sequence[int]) -> Iterator[Span]:
    """Yield the offsets of the quotations.

    A quotation is one sentence, or two neighbouring sentences on the same line.
    """
    group: list[int] = []
    for number in numbers:
        if group and (number != group[-1] + 1 or len(group) == MAX_QUOTATION_SENTENCES or _breaks(text, spans, number)):
            yield spans[group[0] - 1][0], spans[group[-1] - 1][1]
            group = []
        group.append(number)
    if group:
        yield spans[group[0] - 1][0], spans[group[-1] - 1][1]


def _breaks(text: str, spans: Sequence[Span], number: int) -> bool:
    return "\n" in text[spans[number - 2][1] : spans[number - 1][0]]


def _heading_quotation(passage: Passage, role: Role) -> Evidence:
    heading = passage.model_copy(
        update={"start": passage.heading_start, "text": passage.heading, "label": "", "where": None}
    )
    return _evidence(heading, 0, len(passage.heading), role)


def _evidence(passage: Passage, first: int, last: int, role: Role) -> Evidence:
    page, start, end = passage.page, passage.start + first, passage.start + last
    return Evidence(
        id=evidence_id(page, passage.text[first:last], passage.where),
        role=role,
        url=page.url,
        quote=passage.text[first:last],
        page_sha256=page.sha256,
        start=start,
        end=end,
        fetched_at=page.fetched_at,
        language=page.language,
        page_title=page.title,
        page_kind=page.kind,
        published_on=page.published_on,
        sister_of=page.sister_of,
        label=passage.label,
        where=passage.where,
    )


def evidence_id(page: PageRef, quote: str, where: Place | None) -> EvidenceId:
    """Return an id that depends only on the quotation's text, the page's URL and the place on the page.

    The quotation keeps its id in all answers and runs, even if the rest of the page changes.
    """
    digest = hashlib.sha256(f"{page.url}\n{where or ''}\n{quote}".encode()).hexdigest()
    return f"e{digest[:10]}"


def passage_id(passage: Passage) -> EvidenceId:
    """Return the evidence id for the text of the whole passage."""
    return evidence_id(passage.page, passage.text, passage.where)


def is_stale(source: Evidence | PageRef, on: date | None = None) -> bool:
    """Whether the source was published more than 18 months before `on` (D8).

    `on` defaults to the day on which the source was fetched.

    A source without a date is not considered stale.
    """
    published, on = source.published_on, on or source.fetched_at.date()
    if published is None:
        return False
    months = (on.year - published.year) * 12 + on.month - published.month
    return (months, on.day) > (STALE_MONTHS, published.day)


def confidence(evidence: Sequence[Evidence], *, stated: bool) -> Confidence:
    """Return how reliable a claim is.

    The result depends on whether a page states the claim, and on the number and age of the cited pages.
    """
    pages = {e.url for e in evidence}
    dated = [e for e in evidence if e.published_on is not None]
    points = len(pages) + (2 if stated else 0) - (1 if dated and all(map(is_stale, dated)) else 0)
    return "high" if points > 3 else "medium" if points > 1 else "low"  # noqa: PLR2004 - the scale is this line


def verified(evidence: Evidence, text: str) -> bool:
    """Whether the stored page still contains the quotation at its offsets."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    return digest == evidence.page_sha256 and text[evidence.start : evidence.end] == evidence.quote
