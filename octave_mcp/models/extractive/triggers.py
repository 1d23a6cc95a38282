"""What happened at a company, or is about to: in the headlines of its posts, its timeline, and its own sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.findings import Trigger, TriggerKind
from octave_mcp.domain.page import PageKind
from octave_mcp.evidence.dates import date_of_heading, days_of
from octave_mcp.models.extractive.events import event, is_hiring, is_plain_launch
from octave_mcp.models.extractive.headings import is_imperative
from octave_mcp.models.extractive.prospects import is_over, jobs
from octave_mcp.models.extractive.quoting import stands_alone, without_lead
from octave_mcp.models.extractive.typed_lines import Line, ReadPage
from octave_mcp.models.extractive.voices import is_own_subject, own_lines, short_name

_TELLS: frozenset[PageKind] = frozenset(
    {"home", "about", "careers", "news", "blog", "product", "pricing", "security", "customers", "integrations", "other"}
)
# Pages whose headings are news.
_POSTS: frozenset[PageKind] = frozenset({"news", "blog", "other", "about", "home"})
_MAX_ON_A_PAGE = 24
_MAX_WORDS = 45
_MAX_HEADLINE_WORDS = 18
_MAX_BYLINE_WORDS = 10
# Lines; a post gives its date among its first.
_BYLINES = 4
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_MONTH_OF_YEAR = re.compile(rf"\b{_MONTH},?\s+(?:of\s+)?(?:19|20)\d\d\b")
_YEAR = re.compile(r"\b(?:[Ii]n|[Ss]ince|[Ee]arly|[Ll]ate|[Mm]id)[ -](?:the\s+\w+\s+of\s+)?(?P<year>(?:19|20)\d\d)\b")
# The page itself has the year.
_NO_YEAR = re.compile(
    r"\b(?:[Oo]n|[Ii]n|[Uu]ntil|[Ss]ince|[Ff]rom|[Tt]his|[Ll]ast)\s+(?:the\s+\d{1,2}(?:st|nd|rd|th)?\s+of\s+)?"
    r"(?P<day>(?:January|February|March|April|May|June|July|August|September|October|November|December)"
    r"(?:\s+\d{1,2}(?:st|nd|rd|th)?\b)?)"
)
# Addresses of pages on what was made for customers.
_OF_WORK = re.compile(r"/(?:our-)?(?:work|projects|portfolio|clients)/", re.IGNORECASE)
_CHANGELOG = re.compile(r"/(?:[\w-]*-)?(?:changelog|release-?notes|whats-new)(?:[/-]|$)", re.IGNORECASE)
_ADDED = re.compile(
    r"^(?:(?:Also|Finally|And), )?we(?:['’]ve| have)? (?:also |just |now )?added (?:an?|new|support|additional|"
    r"(?:two|three|four|\d+) new)\b",
    re.IGNORECASE,
)
# How a dated post on a product tells what is new.
_NOW_CAN = re.compile(r"^You can now (?!also\b|see\b|read\b|find\b|run\b|go\b|open\b|click\b|do\b|access this\b)\w+ ")
_LONG_AGO = re.compile(
    r"\b(?:years? ago|months? ago|last (?:year|spring|summer|autumn|fall|winter)|earlier (?:this year|in)|back in|"
    r"at that time|"
    r"originally|a while (?:ago|back)|at the time|previously|first launched|long ago|in the past)\b",
    re.IGNORECASE,
)
_DATELINE = re.compile(r"\s{0,3}\)?\s{0,3}(?:\([\w ]+\)\s{0,3})?[–—:-]")
# Characters; a dateline names a place before its day: 'Oslo, Norway, May 3, 2024 – '.
_PLACE = 50
_AS_HEADING = re.compile(
    rf"(?:{_MONTH}\s+)?(?:\d{{1,2}},?\s+)?(?:19|20)\d\d(?:-\d\d(?:-\d\d)?)?|{_MONTH}\s+(?:19|20)\d\d"
)


_FOUNDED = (
    r"^\W*(?:in \d{{4}},? )?(?:{company}(?: \w+)?|we|our company)(?: (?:was|were))? (?:first )?"
    r"(?:founded|started|established|incorporated)\b.{{0,40}}?\bin (?:\w+ )?(?P<year>(?:19|20)\d\d)\b"
)


_BEGINS = (
    r"\b{company} (?:replaces|forks|is (?:founded|born)|(?:was )?founded|begins|starts|started|splits from|succeeds)\b"
)


def triggers(pages: Sequence[ReadPage], company: str) -> Iterator[Trigger[Cite]]:
    founded = _founded(pages, company)
    for page in pages:
        if _OF_WORK.search(page.page.url):
            continue
        if page.page.kind in _TELLS or _CHANGELOG.search(page.page.url):
            is_closed = is_over(page)
            every = (one for one in _of_page(page, company) if not _is_before(one.date, founded))
            found = {(trigger.kind, trigger.what): trigger for trigger in every}
            found = {key: one for key, one in found.items() if not (is_closed and one.kind == "job_opening")}
            yield from _without_headings(list(found.values()))[:_MAX_ON_A_PAGE]


def _founded(pages: Sequence[ReadPage], company: str) -> int:
    """The first year in which its pages say that it began; 0 if they do not."""
    words = re.compile(_FOUNDED.format(company=re.escape(short_name(company))), re.IGNORECASE)
    years = (int(told["year"]) for page in pages for line in page.prose if (told := words.search(line.text)))
    return min(years, default=0)


def _is_before(written: str | None, year: int) -> bool:
    """Whether an event is from before the founding year, so that it is another company's."""
    own = re.search(r"(?:19|20)\d\d", written or "")
    return own is not None and int(own[0]) < year


def _without_headings(found: Sequence[Trigger[Cite]]) -> list[Trigger[Cite]]:
    """Leaves out a dated heading if the sentence below it reports an event of the same kind."""
    told = {(trigger.kind, cite) for trigger in found for cite in trigger.evidence[1:]}
    return [one for one in found if len(one.evidence) > 1 or (one.kind, *one.evidence) not in told]


def openings(pages: Sequence[ReadPage], _: str) -> Iterator[Trigger[Cite]]:
    """The open positions of a company whose jobs are collected in no other form."""
    for job in jobs(pages):
        yield Trigger[Cite](kind="job_opening", what=job.title, date=None, evidence=job.evidence)


def _of_page(page: ReadPage, company: str) -> Iterator[Trigger[Cite]]:
    since: _Since | None = None
    below, headline = dict(pairwise(page.lines)), page.headline
    begun = _begun(page, below, company)
    for line in own_lines(page, company):
        if line.form == "heading":
            since = _dated_heading(line, None if line is headline else below.get(line), since)
        if since and begun and since.day < begun:
            continue
        kind = _kind(line, page, company, is_dated=since is not None)
        if kind and (kind == "job_opening" or _is_dated_well(line, since)):
            yield _trigger(kind, line, page, since, company)


@dataclass(frozen=True, slots=True)
class _Since:
    """A date that holds from a heading on: in the heading, or alone in the line below it."""

    heading: Line
    line: Line
    written: str

    @property
    def day(self) -> date:
        return date_of_heading(self.written) or date.max


def _begun(page: ReadPage, below: Mapping[Line, Line], company: str) -> date | None:
    """The founding day, from a timeline that also covers predecessors."""
    words = re.compile(_BEGINS.format(company=re.escape(short_name(company))), re.IGNORECASE)
    starts = (
        _dated_heading(line, below.get(line), None)
        for line in page.lines
        if line.form == "heading" and words.search(line.text)
    )
    return next((since.day for since in starts if since), None)


def _dated_heading(line: Line, below: Line | None, since: _Since | None) -> _Since | None:
    """`below` is the line under it, which may be its date; under the headline, that is the day of the post."""
    if date_of_heading(line.text) and (found := _AS_HEADING.search(line.text)):
        return _Since(line, line, found[0])
    if below and (found := _AS_HEADING.fullmatch(below.text.strip())):
        return _Since(line, below, found[0])
    return since if since and line.level > since.heading.level else None


def _kind(line: Line, page: ReadPage, company: str, *, is_dated: bool) -> TriggerKind | None:
    if line.form == "heading":
        return _kind_of_heading(line, page, company, is_dated=is_dated)
    if line.form not in {"sentence", "item"} or len(line.text.split()) > _MAX_WORDS or line.text[:1].islower():
        return None
    return _kind_of_sentence(line, page, company, is_dated=is_dated)


def _kind_of_sentence(line: Line, page: ReadPage, company: str, *, is_dated: bool) -> TriggerKind | None:
    if page.page.kind in _POSTS and _undated(line.text) != line.text:
        return event(_undated(line.text), company, is_headline=True) if _is_headline(line) else None
    said = without_lead(line.text)
    if is_hiring(said) and not is_imperative(said) and page.page.kind in {"careers", "about", "home", "news", "blog"}:
        return "job_opening" if is_own_subject(said, company) else None
    if (is_plain_launch(said) and page.page.kind in _POSTS) or _is_new(said, page):
        return "launch"
    is_clear = (is_dated or is_own_subject(said, company)) and stands_alone(said)
    return event(said, company, is_headline=False) if is_clear else None


def _kind_of_heading(line: Line, page: ReadPage, company: str, *, is_dated: bool) -> TriggerKind | None:
    is_dated_post = line is page.headline and page.page.published_on is not None
    is_post = page.is_post or (page.page.kind == "blog" and page.page.published_on is not None)
    if is_post and line is not page.headline and not is_dated:
        return None
    if not (page.page.kind in _POSTS or is_dated or is_dated_post) or not _is_headline(line):
        return None
    kind = event(_undated(line.text), company, is_headline=True)
    return kind or ("launch" if is_dated_post and is_plain_launch(line.text) else None)


def _is_new(said: str, page: ReadPage) -> bool:
    is_dated = page.page.published_on is not None and page.page.kind in {"product", "news", "blog", "other"}
    is_added = _ADDED.search(said) and page.page.kind != "news"
    return is_dated and not said.endswith(":") and bool(_NOW_CAN.search(said) or is_added)


def _is_headline(line: Line) -> bool:
    return len(line.text.split()) <= _MAX_HEADLINE_WORDS and not line.text.endswith("?")


def _undated(heading: str) -> str:
    """'Series B' of 'Jun 2021: Series B'."""
    return re.sub(rf"^(?:{_AS_HEADING.pattern})\s*[:：|–—-]\s+", "", heading.strip())


def _trigger(kind: TriggerKind, line: Line, page: ReadPage, since: _Since | None, company: str) -> Trigger[Cite]:
    """With the date of the line itself, of the heading above it, or of the post that it is in."""
    written, dated = _of_clause(line.text, company, kind) or date_in(line.text), line
    if written is None and since is not None:
        written, dated = since.written, since.line
    is_of_post = line is page.headline or page.page.kind in {"news", "blog"}
    if written is None and is_of_post and page.headline and page.page.published_on is None and kind != "job_opening":
        found, below = _byline_date(page, page.headline)
        written, dated = (found, below) if found else (None, line)
    cites = tuple(dict.fromkeys((line.cite, dated.cite)))
    return Trigger[Cite](kind=kind, what=_undated(line.text), date=written, evidence=cites)


def _is_dated_well(line: Line, since: _Since | None) -> bool:
    """The day of a page is not that of what it says was long ago."""
    return not (_LONG_AGO.search(line.text) and since is None and date_in(line.text) is None)


def _of_clause(text: str, company: str, kind: TriggerKind) -> str | None:
    """The date of what happened where a sentence has those of other things: 'founded in 2020, and in 2021 we ...'."""
    clauses = re.split(r"[;,]\s+|\s+(?:and|but)\s+", text)
    own = (clause for clause in clauses if event(clause, company, is_headline=False) == kind)
    return next(filter(None, map(date_in, own)), None)


def date_in(text: str) -> str | None:
    """The day, month or year that a text names, as it writes it."""
    day = next(days_of(text), None)
    if day:
        return text[day[1] : day[2]]
    month = _MONTH_OF_YEAR.search(text)
    year = _YEAR.search(text)
    if month or year:
        return month[0] if month else year["year"] if year else None
    no_year = _NO_YEAR.search(text)
    return no_year["day"] if no_year else None


def _byline_date(page: ReadPage, headline: Line) -> tuple[str | None, Line]:
    after = page.lines[page.lines.index(headline) + 1 :][:_BYLINES]
    for line in after:
        if len(line.text.split()) <= _MAX_BYLINE_WORDS and (written := date_in(line.text)):
            return written, line
        if (day := next(days_of(line.text), None)) and _DATELINE.match(line.text, day[2]) and day[1] <= _PLACE:
            return line.text[day[1] : day[2]], line
    return None, headline
