"""Finds triggers, which are dated events at a company.

The triggers come from the headlines of its posts, from its timeline, and from its own sentences.
"""

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
from octave_mcp.models.extractive.attribution import is_own_subject, own_lines, short_name
from octave_mcp.models.extractive.events import event, is_hiring, is_plain_launch
from octave_mcp.models.extractive.headings import is_imperative
from octave_mcp.models.extractive.prospects import is_over, jobs
from octave_mcp.models.extractive.quoting import stands_alone, without_lead
from octave_mcp.models.extractive.typed_lines import Line, ReadPage

_TRIGGER_KINDS: frozenset[PageKind] = frozenset(
    {"home", "about", "careers", "news", "blog", "product", "pricing", "security", "customers", "integrations", "other"}
)
_NEWS_KINDS: frozenset[PageKind] = frozenset({"news", "blog", "other", "about", "home"})
_MAX_TRIGGERS_PER_PAGE = 24
_MAX_WORDS = 45
_MAX_HEADLINE_WORDS = 18
_MAX_BYLINE_WORDS = 10
_MAX_LINES_BEFORE_DATE = 4
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_MONTH_OF_YEAR = re.compile(rf"\b{_MONTH},?\s+(?:of\s+)?(?:19|20)\d\d\b")
_YEAR = re.compile(r"\b(?:[Ii]n|[Ss]ince|[Ee]arly|[Ll]ate|[Mm]id)[ -](?:the\s+\w+\s+of\s+)?(?P<year>(?:19|20)\d\d)\b")
# Matches dates without a year, such as "On May 3" or "this March". `company_findings` adds the year that brings the
# date closest to the date of the page.
_DAY_WITHOUT_YEAR = re.compile(
    r"\b(?:[Oo]n|[Ii]n|[Uu]ntil|[Ss]ince|[Ff]rom|[Tt]his|[Ll]ast)\s+(?:the\s+\d{1,2}(?:st|nd|rd|th)?\s+of\s+)?"
    r"(?P<day>(?:January|February|March|April|May|June|July|August|September|October|November|December)"
    r"(?:\s+\d{1,2}(?:st|nd|rd|th)?\b)?)"
)
# Paths of pages on which agencies present their work. An event on such a page usually happened at the agency's client,
# so it is no trigger for the agency.
_CUSTOMER_WORK_PATH = re.compile(r"/(?:our-)?(?:work|projects|portfolio|clients)/", re.IGNORECASE)
_CHANGELOG_PATH = re.compile(r"/(?:[\w-]*-)?(?:changelog|release-?notes|whats-new)(?:[/-]|$)", re.IGNORECASE)
_ADDED = re.compile(
    r"^(?:(?:Also|Finally|And), )?we(?:['’]ve| have)? (?:also |just |now )?added (?:an?|new|support|additional|"
    r"(?:two|three|four|\d+) new)\b",
    re.IGNORECASE,
)
# "You can now export ..." in a dated post announces a launch, but "You can now see ..." is often a step in
# instructions.
_NOW_CAN = re.compile(r"^You can now (?!also\b|see\b|read\b|find\b|run\b|go\b|open\b|click\b|do\b|access this\b)\w+ ")
# Events such as "Last year we launched ..." must not get the date of the post.
_LONG_AGO = re.compile(
    r"\b(?:years? ago|months? ago|last (?:year|spring|summer|autumn|fall|winter)|earlier (?:this year|in)|back in|"
    r"at that time|"
    r"originally|a while (?:ago|back)|at the time|previously|first launched|long ago|in the past)\b",
    re.IGNORECASE,
)
_DATELINE = re.compile(r"\s{0,3}\)?\s{0,3}(?:\([\w ]+\)\s{0,3})?[–—:-]")
# A dateline can name a place before the day: "Oslo, Norway, May 3, 2024 – ".
_MAX_PLACE_CHARACTERS = 50
_HEADING_DATE = re.compile(
    rf"(?:{_MONTH}\s+)?(?:\d{{1,2}},?\s+)?(?:19|20)\d\d(?:-\d\d(?:-\d\d)?)?|{_MONTH}\s+(?:19|20)\d\d"
)
_LEADING_DATE = re.compile(rf"^(?:{_HEADING_DATE.pattern})\s*[:：|–—-]\s+")
# Matches "We were founded in 2016" and "Acme started as a side project in 2016".
_FOUNDED = (
    r"^\W*(?:in \d{{4}},? )?(?:{company}(?: \w+)?|we|our company)(?: (?:was|were))? (?:first )?"
    r"(?:founded|started|established|incorporated)\b.{{0,40}}?\bin (?:\w+ )?(?P<year>(?:19|20)\d\d)\b"
)
# Headings of a timeline: "Acme forks Northgate", "Acme is founded".
_COMPANY_BEGINS = (
    r"\b{company} (?:replaces|forks|is (?:founded|born)|(?:was )?founded|begins|starts|started|splits from|succeeds)\b"
)


def triggers(pages: Sequence[ReadPage], company: str) -> Iterator[Trigger[Cite]]:
    founded = _founding_year(pages, company)
    for page in pages:
        if _CUSTOMER_WORK_PATH.search(page.page.url):
            continue
        if page.page.kind in _TRIGGER_KINDS or _CHANGELOG_PATH.search(page.page.url):
            own = (trigger for trigger in _on_page(page, company) if not _is_before_year(trigger.date, founded))
            unique = {(trigger.kind, trigger.what): trigger for trigger in own}
            current = [trigger for trigger in unique.values() if not (trigger.kind == "job_opening" and is_over(page))]
            yield from _without_headings(current)[:_MAX_TRIGGERS_PER_PAGE]


def _founding_year(pages: Sequence[ReadPage], company: str) -> int:
    """Return the earliest founding year that the pages state, or 0 if they state none."""
    words = re.compile(_FOUNDED.format(company=re.escape(short_name(company))), re.IGNORECASE)
    years = (int(match["year"]) for page in pages for line in page.prose if (match := words.search(line.text)))
    return min(years, default=0)


def _is_before_year(written: str | None, year: int) -> bool:
    """Whether the date is before the company was founded.

    An event before the founding must have happened at another company.
    """
    named = re.search(r"(?:19|20)\d\d", written or "")
    return named is not None and int(named[0]) < year


def _without_headings(all_triggers: Sequence[Trigger[Cite]]) -> list[Trigger[Cite]]:
    """Drop the trigger of a dated heading if a sentence below the heading reports an event of the same kind."""
    # The first citation of a trigger is the line that states the trigger. If there is a second citation, it is the line
    # with the date.
    cited = {(trigger.kind, cite) for trigger in all_triggers for cite in trigger.evidence[1:]}
    return [
        trigger
        for trigger in all_triggers
        if len(trigger.evidence) > 1 or (trigger.kind, *trigger.evidence) not in cited
    ]


def openings(pages: Sequence[ReadPage], _: str) -> Iterator[Trigger[Cite]]:
    """Yield a vendor's open positions as triggers.

    A prospect's open positions are not triggers, because they are collected as jobs.
    """
    for job in jobs(pages):
        yield Trigger[Cite](kind="job_opening", what=job.title, date=None, evidence=job.evidence)


def _on_page(page: ReadPage, company: str) -> Iterator[Trigger[Cite]]:
    current: _DatedHeading | None = None
    below, headline = dict(pairwise(page.lines)), page.headline
    first_day = _first_day(page, below, company)
    for line in own_lines(page, company):
        if line.form == "heading":
            current = _dated_heading(line, None if line is headline else below.get(line), current)
        if current and first_day and current.day < first_day:
            continue
        kind = _kind(line, page, company, is_dated=current is not None)
        if kind and (kind == "job_opening" or _has_usable_date(line, current)):
            yield _trigger(kind, line, page, current, company)


@dataclass(frozen=True, slots=True)
class _DatedHeading:
    """A heading with a date. The date also applies to the lines below the heading.

    `line` is the line with the date: the heading itself, or the line right below the heading.
    """

    heading: Line
    line: Line
    written: str

    @property
    def day(self) -> date:
        return date_of_heading(self.written) or date.max


def _first_day(page: ReadPage, below: Mapping[Line, Line], company: str) -> date | None:
    """Return the day on which the company was founded, according to a timeline.

    The timeline can also contain older events of the company's predecessors.
    """
    words = re.compile(_COMPANY_BEGINS.format(company=re.escape(short_name(company))), re.IGNORECASE)
    starts = (
        _dated_heading(line, below.get(line), None)
        for line in page.lines
        if line.form == "heading" and words.search(line.text)
    )
    return next((heading.day for heading in starts if heading), None)


def _dated_heading(line: Line, below: Line | None, previous: _DatedHeading | None) -> _DatedHeading | None:
    """Return the heading whose date applies to this line and the lines below it.

    `below` is the line after `line`, which can contain the heading's date. For the headline of a post, `below` is None,
    because a date below the headline is the date of the post.
    """
    if date_of_heading(line.text) and (match := _HEADING_DATE.search(line.text)):
        return _DatedHeading(line, line, match[0])
    if below and (match := _HEADING_DATE.fullmatch(below.text.strip())):
        return _DatedHeading(line, below, match[0])
    return previous if previous and line.level > previous.heading.level else None


def _kind(line: Line, page: ReadPage, company: str, *, is_dated: bool) -> TriggerKind | None:
    if line.form == "heading":
        return _kind_of_heading(line, page, company, is_dated=is_dated)
    if line.form not in {"sentence", "item"} or len(line.text.split()) > _MAX_WORDS or line.text[:1].islower():
        return None
    return _kind_of_sentence(line, page, company, is_dated=is_dated)


def _kind_of_sentence(line: Line, page: ReadPage, company: str, *, is_dated: bool) -> TriggerKind | None:
    undated = _undated(line.text)
    if page.page.kind in _NEWS_KINDS and undated != line.text:
        return event(undated, company, is_headline=True) if _is_headline(line) else None
    text = without_lead(line.text)
    if is_hiring(text) and not is_imperative(text) and page.page.kind in {"careers", "about", "home", "news", "blog"}:
        return "job_opening" if is_own_subject(text, company) else None
    if (is_plain_launch(text) and page.page.kind in _NEWS_KINDS) or _is_new(text, page):
        return "launch"
    is_clear = (is_dated or is_own_subject(text, company)) and stands_alone(text)
    return event(text, company, is_headline=False) if is_clear else None


def _kind_of_heading(line: Line, page: ReadPage, company: str, *, is_dated: bool) -> TriggerKind | None:
    is_dated_post = line is page.headline and page.page.published_on is not None
    is_post = page.is_post or (page.page.kind == "blog" and page.page.published_on is not None)
    if is_post and line is not page.headline and not is_dated:
        return None
    if not (page.page.kind in _NEWS_KINDS or is_dated or is_dated_post) or not _is_headline(line):
        return None
    kind = event(_undated(line.text), company, is_headline=True)
    return kind or ("launch" if is_dated_post and is_plain_launch(line.text) else None)


def _is_new(text: str, page: ReadPage) -> bool:
    is_dated = page.page.published_on is not None and page.page.kind in {"product", "news", "blog", "other"}
    is_added = _ADDED.search(text) and page.page.kind != "news"
    return is_dated and not text.endswith(":") and bool(_NOW_CAN.search(text) or is_added)


def _is_headline(line: Line) -> bool:
    return len(line.text.split()) <= _MAX_HEADLINE_WORDS and not line.text.endswith("?")


def _undated(heading: str) -> str:
    """Return the heading without its leading date: 'Series B' for 'Jun 2021: Series B'."""
    return _LEADING_DATE.sub("", heading.strip())


def _trigger(
    kind: TriggerKind, line: Line, page: ReadPage, dated_heading: _DatedHeading | None, company: str
) -> Trigger[Cite]:
    """Return a trigger.

    The trigger's date comes from its own line. If this line has no date, the date comes from the heading above it or
    from the post.
    """
    written, dated = _date_of_clause(line.text, company, kind) or date_in(line.text), line
    if written is None and dated_heading is not None:
        written, dated = dated_heading.written, dated_heading.line
    is_of_post = line is page.headline or page.page.kind in {"news", "blog"}
    if written is None and is_of_post and page.headline and page.page.published_on is None and kind != "job_opening":
        byline_date, below = _byline_date(page, page.headline)
        written, dated = (byline_date, below) if byline_date else (None, line)
    cites = tuple(dict.fromkeys((line.cite, dated.cite)))
    return Trigger[Cite](kind=kind, what=_undated(line.text), date=written, evidence=cites)


def _has_usable_date(line: Line, dated_heading: _DatedHeading | None) -> bool:
    """Whether the date of the trigger can be trusted.

    If a sentence looks back ('Last year we launched ...'), the date of its page would be wrong. Such a sentence needs a
    date of its own, or a heading with a date.
    """
    return not (_LONG_AGO.search(line.text) and dated_heading is None and date_in(line.text) is None)


def _date_of_clause(text: str, company: str, kind: TriggerKind) -> str | None:
    """Return the date in the clause that reports the event: 2021 in 'founded in 2020, and in 2021 we launched ...'."""
    clauses = re.split(r"[;,]\s+|\s+(?:and|but)\s+", text)
    matching = (clause for clause in clauses if event(clause, company, is_headline=False) == kind)
    return next(filter(None, map(date_in, matching)), None)


def date_in(text: str) -> str | None:
    """Return the day, month or year in the text, as it is written there."""
    day = next(days_of(text), None)
    if day:
        return text[day[1] : day[2]]
    month = _MONTH_OF_YEAR.search(text)
    year = _YEAR.search(text)
    if month or year:
        return month[0] if month else year["year"] if year else None
    no_year = _DAY_WITHOUT_YEAR.search(text)
    return no_year["day"] if no_year else None


def _byline_date(page: ReadPage, headline: Line) -> tuple[str | None, Line]:
    after = page.lines[page.lines.index(headline) + 1 :][:_MAX_LINES_BEFORE_DATE]
    for line in after:
        if len(line.text.split()) <= _MAX_BYLINE_WORDS and (written := date_in(line.text)):
            return written, line
        if (
            (day := next(days_of(line.text), None))
            and _DATELINE.match(line.text, day[2])
            and day[1] <= _MAX_PLACE_CHARACTERS
        ):
            return line.text[day[1] : day[2]], line
    return None, headline
