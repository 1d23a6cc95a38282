"""Removes text that needs no evidence, such as times and small counts, from sales copy before the copy is checked.

For example, 'Could we talk for 15 minutes?' contains a figure but claims nothing about a company.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from octave_mcp.domain.company import Role
from octave_mcp.domain.evidence import Evidence
from octave_mcp.domain.page import PageRef
from octave_mcp.domain.playbook import CallToAction, TouchDraft
from octave_mcp.domain.value import Value, manner_of
from octave_mcp.evidence.dates import without_day
from octave_mcp.evidence.support import Quoted, Statement
from octave_mcp.evidence.support.naming import names
from octave_mcp.evidence.support.numerals import ONES, TENS

# Advice can tell the rep to look something up on these websites, so their names need no evidence.
LOOKUP_SITES = (
    "LinkedIn Sales Navigator GitHub GitLab G2 Crunchbase Capterra Trustpilot Glassdoor BuiltWith Google News YouTube"
    " Reddit Twitter X Wikipedia Indeed Product Hunt Hacker News"
)
# Terms of the sales methods MEDDPICC and SPIN. Prompts ask for questions that are labelled with these terms, so the
# terms need no evidence.
SALES_METHOD_TERMS = (
    "Metrics Economic buyer Decision criteria process Paper process Identify pain Champion Competition Situation"
    " Problem Implication Need-payoff"
)
_LINKEDIN = "https://www.linkedin.com/"

_SMALL = "|".join([*ONES][1:13])
_TENS = rf"(?:{'|'.join(TENS)})(?:[ -](?:{'|'.join([*ONES][1:10])}))?"
_IN_WORDS = rf"{'|'.join([*ONES][1:])}|{_TENS}"
_NUMBER = rf"(?:\d{{1,2}}|{_IN_WORDS}|an?|a (?:few|couple of)|half an?|(?:a|three) quarters? of an)"
_UNIT = r"(?:(?:business |working |calendar )?(?:minute|hour|day|week|fortnight|month|quarter|year)s?)"
MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|March|Mar|April|Apr|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_DAY = r"(?:[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?"


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(rf"\b(?:{pattern})\b" for pattern in patterns), re.IGNORECASE)


# Matches '15 minutes' and 'half an hour', but not 'an hour of downtime'.
_MINUTES = _any(
    rf"{_NUMBER}[ -](?:to |or )?(?:{_NUMBER}[ -])?(?:minutes?|seconds)",
    r"(?:half an|a quarter of an|a half|an?) hour(?! of)|half-hour",
)
# Matches 'every two weeks', 'next quarter', 'two-week pilot' and 'a year ago'.
_RECURRING = _any(
    rf"(?:every|each|per|once an?|twice an?|{_NUMBER} times an?) (?:other |{_NUMBER} )?{_UNIT}",
    r"(?:hourly|daily|weekly|monthly|quarterly|yearly)",
    rf"(?:the )?(?:next|last|past|first|coming|following|previous) (?:{_NUMBER} (?:or {_NUMBER} )?)?{_UNIT}",
    rf"{_NUMBER}[ -]{_UNIT} (?:before|from now|ahead|later)",
    rf"{_NUMBER}-{_UNIT} (?:call|chat|talk|plan|pilot|review|window|check-in|rhythm)",
    r"(?:(?:more|less) than |over |about |almost |nearly )?an? (?:week|month|quarter|year) ago",
)
# Matches 'in three weeks', 'two days after the call' and 'zero downtime'.
_WITHIN = _any(
    r"(?:in|within|after|for|over|during|until|back in) (?:about |around |another |the )?"
    rf"(?:{_NUMBER} (?:or {_NUMBER} )?){_UNIT}",
    rf"{_NUMBER} {_UNIT} (?:after|into|on)",
    r"zero[ -]downtime|(?:from|close to) zero",
)
_GAINS = r"sav(?:e|es|ed|ing)|reduc\w+|cuts?|cutting|faster|sooner|instead of"
_RESULT = _any(_GAINS)
# A time with one of these verbs can be a result, which needs evidence: 'Acme went live in two weeks'.
_ACHIEVEMENTS = r"takes|took|went|was|were|pays (?:back|for itself)|go(?:es)? live|live in|got|grew|built"
_SPAN = _any(r"(?:an?|one) (?:day|week|month|quarter|year)")
_ACHIEVES = _any(_GAINS, _ACHIEVEMENTS)
_OF_CUSTOMERS = _any(_GAINS, _ACHIEVEMENTS, r"customers?|clients?|users?")
# Matches 'of the two', 'half a page' and 'half the battle'.
_CHOSEN = _any(
    rf"(?:two or three|one or two|(?:top|which|of the|of these|of those|the other) (?:{_SMALL}))",
    r"half[ -](?:a )?(?:page|sentence|line|day|sheet)",
    r"half the (?:battle|work|job|story)",
    r"half of (?:it|them|these|those)",
)
# Matches the 'twice' in 'worth reading twice', but not in 'twice the volume'.
_MULTIPLE = _any(r"twice(?! (?:the|as|a|your|their)\b)")
# Matches counts of what an e-mail or a call can offer or ask for: 'five questions', 'point 3', 'all four?'.
_OFFERED = _any(
    rf"(?:\d{{1,2}}|{_SMALL})[ -](?:\w+ )?(?:questions?|lines?|points?|ideas?|checks?|steps?|signs?|drafts?|updates?"
    r"|messages?|headlines?|counts?|people|colleagues|(?<=first )days|pages?|tests?|items?|rows?|examples?|versions?"
    r"|topics?)",
    rf"(?:question|line|point|step|item|number) (?:\d{{1,2}}|{_SMALL})",
    rf"(?:the|all) (?:{_SMALL})(?=[?.!,]|$)",
)
_NUMBERED = re.compile(r"(?m)^[^\S\n]*\d{1,2}[.)]\s")
# Matches counts up to twelve, and larger ones as in 'the first 20' and '40 pages', but not measurements or shares such
# as '5 %', '3x', '2 million' or 'one in ten'.
_COUNTS = re.compile(
    r"(?<![\w$€£¥₹.,-])(?<!one in )"
    rf"(?:(?:first|next|last) \d{{1,2}}|\d{{1,3}}(?= (?:\w+ )?pages?\b)|1[0-2]|[1-9]|{_SMALL})\b"
    r"(?![.,]?\d|[\s-]?(?:%|percent|per cent|x\b|k\b|m\b|bn\b|hundred|thousand|million|billion|times\b|in (?:\d|ten\b)"
    rf"|out of\b|of (?:\d|ten\b|five\b)|dollars?\b|euros?\b|{_UNIT}\b))",
    re.IGNORECASE,
)
# With one of these words, a sentence with a month is a proposal and needs no evidence: 'Shall I write again in March?'.
_LATER = re.compile(r"\b(?:again|once more|later|better|back|not|until|then|suit\w*)\b", re.IGNORECASE)
_MONTHS = _any(rf"(?:in|by|from|until|before|after|early|late|mid)[ -](?-i:{MONTH})")
_DATES = re.compile(
    rf"\b(?:the )?{_DAY} (?:of )?{MONTH}(?:,? (?:19|20)\d\d)?|\b{MONTH} {_DAY}\b(?:,? (?:19|20)\d\d)?"
    r"|\b(?:19|20)\d\d-\d\d-\d\d\b"
    rf"|\b(?:in|by|from|until|since|of|before|after|end of|early|late|mid) (?-i:{MONTH})(?: 20\d\d)?",
    re.IGNORECASE,
)
# Matches time frames in a plan, such as 'days 1 to 30'.
_DAYS_OF_PLANS = _any(r"(?:day|week|month)s? \d{1,2}(?:(?: to |[-–])\d{1,2})?")
_AGES = _any(rf"{_NUMBER} {_UNIT} (?:ago|back|old)")
_DIGIT = re.compile(r"\d")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_SENTENCES = re.compile(r"(?<=[.!?;])\s+")


def without_plans(text: str) -> str:
    """Return the text without times that are part of a plan or a request: '15 minutes', 'next quarter'.

    A time such as 'in three weeks' is not removed if it can be a customer's result.
    """
    return " ".join(_with_lowercase_verb(_without_times(sentence)) for sentence in _SENTENCES.split(text))


def _without_times(sentence: str) -> str:
    if not _RESULT.search(sentence):
        sentence = _MINUTES.sub("", sentence)
    if not _OF_CUSTOMERS.search(sentence) and not _tells_what_somebody_did(sentence):
        sentence = _WITHIN.sub("", sentence)
    if sentence.endswith("?") and not _OF_CUSTOMERS.search(sentence):
        sentence = _MULTIPLE.sub("", sentence)
    if _LATER.search(sentence):
        sentence = _MONTHS.sub("", sentence)
    sentence = _CHOSEN.sub("", _RECURRING.sub("", sentence))
    return sentence if _ACHIEVES.search(sentence) else _SPAN.sub("", sentence)


def _tells_what_somebody_did(sentence: str) -> bool:
    """Whether the sentence says what a named company or person did, as in 'Acme moved in three weeks'."""
    return any(re.search(rf"\b{re.escape(name)} (?:\w+ )?\w+ed\b", sentence) for name in names(sentence))


def without_offered(text: str) -> str:
    """Return the text without counts of what the rep offers or asks for: 'five questions', 'ask three colleagues'."""
    rest = _OFFERED.sub("", _NUMBERED.sub("", text))
    return rest if names(rest) else _AGES.sub("", rest)


def without_counts(text: str) -> str:
    """Return the text without dates, ages and small counts, as in the advice 'Look for three openings'."""
    for pattern in (_DATES, _DAYS_OF_PLANS, _AGES, _COUNTS):
        text = pattern.sub("", text)
    return text


_VERBS = frozenset(
    """
    add bring call check cite compare confirm connect count draft email find follow google highlight invite lead learn
    list log look map mark measure meet mention message note offer open point prepare put quote read record reference
    reach research review say search see send set share show start take tell track try use verify visit watch write
    finds shows tells reveals checks learns decides opens tests sees compares clarifies
    """.split()
)


def _with_lowercase_verb(sentence: str) -> str:
    """Lower-case a verb at the start, so that 'Call' in 'Call Ada Moss' does not look like part of the name."""
    first = sentence.split(" ", 1)[0]
    return sentence[0].lower() + sentence[1:] if first.lower() in _VERBS else sentence


def in_field(value: Value, field: str, statement: Statement) -> Statement:
    """Return the statement without the words that need no evidence in this field.

    For example, 'five questions' in a subject line needs no evidence, because the e-mail itself offers the questions.
    """
    manner = manner_of(value, field)
    if manner == "advice":
        text = without_plans(without_counts(statement.text))
        return replace(
            statement,
            text=text,
            shown=(*statement.shown, LOOKUP_SITES, SALES_METHOD_TERMS),
            evidence=(*statement.evidence, Quoted("", "vendor", url=_LINKEDIN)),
        )
    if manner != "spoken":
        return statement
    text = without_offered(statement.text) if isinstance(value, TouchDraft | CallToAction) else statement.text
    return replace(statement, text=without_plans(text))


def dated(statement: Statement) -> Statement:
    """Return the statement without the publication dates of the cited pages.

    If a quotation contains a year, no date is removed: the date can be that of an event, and then it needs evidence.
    """
    text = statement.text
    if not _DIGIT.search(text) or _YEAR.search(statement.quoted_text):
        return statement
    for day in {quote.published_on for quote in statement.evidence if quote.published_on}:
        text = without_day(text, date.fromisoformat(day))
    return statement if text == statement.text else replace(statement, text=text)


def sites(pages: Iterable[tuple[PageRef | Evidence, Role]]) -> tuple[Quoted, ...]:
    """For each site and publication date, return a quotation without text, so that sales copy can mention both."""
    # Hundreds of passages come from a few pages, so duplicates are removed before the quotations are built.
    cited: set[tuple[Role, str, date | None]] = {(role, page.url, page.published_on) for page, role in pages}
    quotes = {Quoted("", role, url=_origin(url), published_on=_iso(day)) for role, url, day in cited}
    return tuple(sorted(quotes))


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])
