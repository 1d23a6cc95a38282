"""What happened at a company, or is about to: in the headlines of its posts, its timeline, and its own sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.findings import Trigger, TriggerKind
from octave_mcp.domain.page import PageKind
from octave_mcp.evidence.dates import date_of_heading, days_of
from octave_mcp.models.extractive.events import event, is_hiring, is_plain_launch
from octave_mcp.models.extractive.prospects import is_over, jobs
from octave_mcp.models.extractive.quoting import stands_alone, without_lead
from octave_mcp.models.extractive.reading import Line, ReadPage
from octave_mcp.models.extractive.voices import is_own_subject, own_lines

_TELLS: frozenset[PageKind] = frozenset(
    {"home", "about", "careers", "news", "blog", "product", "pricing", "security", "customers", "integrations", "other"}
)
_POSTS: frozenset[PageKind] = frozenset({"news", "blog", "other", "about", "home"})
"""Pages whose headings are news."""
_MOST_ON_A_PAGE = 16
_MOST_WORDS = 45
_MOST_HEADLINE_WORDS = 18
_MOST_BYLINE_WORDS = 10
_BYLINES = 4
"""Lines; a post gives its date among its first."""
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_MONTH_OF_YEAR = re.compile(rf"\b{_MONTH},?\s+(?:of\s+)?(?:19|20)\d\d\b")
_YEAR = re.compile(r"\b(?:[Ii]n|[Ss]ince|[Ee]arly|[Ll]ate|[Mm]id)[ -](?:the\s+\w+\s+of\s+)?(?P<year>(?:19|20)\d\d)\b")
_NO_YEAR = re.compile(
    r"\b(?:[Oo]n|[Ii]n|[Uu]ntil|[Ss]ince|[Ff]rom|[Tt]his|[Ll]ast)\s+(?:the\s+\d{1,2}(?:st|nd|rd|th)?\s+of\s+)?"
    r"(?P<day>(?:January|February|March|April|May|June|July|August|September|October|November|December)"
    r"(?:\s+\d{1,2}(?:st|nd|rd|th)?\b)?)"
)
"""The page itself has the year."""
_NOW_CAN = re.compile(r"^You can now (?!also\b|see\b|read\b|find\b|run\b|go\b|open\b|click\b)\w+ ")
"""How a dated post on a product tells what is new."""
_LONG_AGO = re.compile(
    r"\b(?:years? ago|months? ago|last (?:year|spring|summer|autumn|fall|winter)|earlier (?:this year|in)|back in|"
    r"originally|a while (?:ago|back)|at the time|previously|first launched|long ago|in the past)\b",
    re.IGNORECASE,
)
_AS_HEADING = re.compile(
    rf"(?:{_MONTH}\s+)?(?:\d{{1,2}},?\s+)?(?:19|20)\d\d(?:-\d\d(?:-\d\d)?)?|{_MONTH}\s+(?:19|20)\d\d"
)


def triggers(pages: Sequence[ReadPage], company: str) -> Iterator[Trigger[Cite]]:
    for page in pages:
        if page.page.kind in _TELLS:
            is_closed = is_over(page)
            found = {(trigger.kind, trigger.what): trigger for trigger in _of_page(page, company)}
            found = {key: one for key, one in found.items() if not (is_closed and one.kind == "job_opening")}
            yield from _without_headings(list(found.values()))[:_MOST_ON_A_PAGE]


def _without_headings(found: Sequence[Trigger[Cite]]) -> list[Trigger[Cite]]:
    """Leaves out a dated heading if the sentence below it reports an event of the same kind."""
    told = {(trigger.kind, cite) for trigger in found for cite in trigger.evidence[1:]}
    return [one for one in found if len(one.evidence) > 1 or (one.kind, *one.evidence) not in told]


def openings(pages: Sequence[ReadPage], _: str) -> Iterator[Trigger[Cite]]:
    """The open positions of a company whose jobs are collected in no other form."""
    for job in jobs(pages):
        yield Trigger[Cite](kind="job_opening", what=job.title, date=None, evidence=job.evidence)


def _of_page(page: ReadPage, company: str) -> Iterator[Trigger[Cite]]:
    since: Line | None = None
    for line in own_lines(page, company):
        if line.form == "heading":
            since = _dated_heading(line, since)
        kind = _kind(line, page, company, is_dated=since is not None)
        if kind and (kind == "job_opening" or _is_dated_well(line, since)):
            yield _trigger(kind, line, page, since, company)


def _dated_heading(line: Line, since: Line | None) -> Line | None:
    """The heading whose date holds from this heading on."""
    if date_of_heading(line.text):
        return line
    return since if since and line.level > since.level else None


def _kind(line: Line, page: ReadPage, company: str, *, is_dated: bool) -> TriggerKind | None:
    if line.form == "heading":
        return _kind_of_heading(line, page, company, is_dated=is_dated)
    if line.form not in {"sentence", "item"} or len(line.text.split()) > _MOST_WORDS:
        return None
    said = without_lead(line.text)
    if is_hiring(said) and page.page.kind in {"careers", "about", "home", "news", "blog"}:
        return "job_opening" if is_own_subject(said, company) else None
    if (is_plain_launch(said) and page.page.kind in _POSTS) or _is_new(said, page):
        return "launch"
    if not (is_dated or is_own_subject(said, company)) or not stands_alone(said):
        return None
    return event(said, company, is_headline=False)


def _kind_of_heading(line: Line, page: ReadPage, company: str, *, is_dated: bool) -> TriggerKind | None:
    is_dated_post = line is page.headline and page.page.published_on is not None
    if not (page.page.kind in _POSTS or is_dated or is_dated_post) or not _is_headline(line):
        return None
    kind = event(_undated(line.text), company, is_headline=True)
    return kind or ("launch" if is_dated_post and is_plain_launch(line.text) else None)


def _is_new(said: str, page: ReadPage) -> bool:
    is_dated = page.page.published_on is not None and page.page.kind in {"product", "news", "blog", "other"}
    return is_dated and bool(_NOW_CAN.search(said))


def _is_headline(line: Line) -> bool:
    return len(line.text.split()) <= _MOST_HEADLINE_WORDS and not line.text.endswith("?")


def _undated(heading: str) -> str:
    """'Series B' of 'Jun 2021: Series B'."""
    return re.sub(rf"^(?:{_AS_HEADING.pattern})\s*[:：|–—-]\s+", "", heading.strip())


def _trigger(kind: TriggerKind, line: Line, page: ReadPage, since: Line | None, company: str) -> Trigger[Cite]:
    """With the date of the line itself, of the heading above it, or of the post that it heads."""
    written, dated = _of_clause(line.text, company, kind) or date_in(line.text), line
    if written is None and since is not None and (found := _AS_HEADING.search(since.text)):
        written, dated = found[0], since
    if written is None and line is page.headline and page.page.published_on is None:
        written, dated = _byline_date(page, line)
    cites = tuple(dict.fromkeys((line.cite, dated.cite)))
    return Trigger[Cite](kind=kind, what=_undated(line.text), date=written, evidence=cites)


def _is_dated_well(line: Line, since: Line | None) -> bool:
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
        if len(line.text.split()) <= _MOST_BYLINE_WORDS and (written := date_in(line.text)):
            return written, line
    return None, headline
