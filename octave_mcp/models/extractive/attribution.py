"""Decides whether a line speaks for the company itself, or for somebody whom the company quotes or writes about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby

from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive.typed_lines import CACHED_COMPANIES, CACHED_PAGES, CACHED_TEXTS, Line, ReadPage

# Matches the heading of the boilerplate in press releases ('About Acme Fund'), but not 'About us' or 'About the team'.
_ABOUT = re.compile(r"About\s+(?!(?i:us|the|our|you|me|this|that|how|why)\b)[A-Z][^.!?:]{1,60}")
_NO_LETTERS = re.compile(r"\W")
_OWN_VOICE = re.compile(r"\b(?:we|our)\b", re.IGNORECASE)
# Matches a sentence with 'we' or 'our' among its first seven words. The quantifier `*+` is possessive, because
# otherwise the search would take quadratic time on a long row of dashes.
_FIRST_PERSON = re.compile(
    r"^\W*+(?:[\w'’-]+[^\w'’-]+){0,6}?(?:we|we['’]re|we['’]ve|we['’]ll|we['’]d|our)\b", re.IGNORECASE
)
_SUBJECT_PREFIXES = frozenset(
    "at the today now currently with in since as this here by for recently and but so because like inside using from "
    "also every all each why how what a an our new".split()
)
KINDS_OF_COMPANY = frozenset(
    "analytics inc labs lab software technologies technology group ai systems consulting solutions cloud studio "
    "studios security data hq corp corporation gmbh ltd llc limited plc ag bv io app platform digital company co "
    "services networks network media robotics energy finance financial international global holdings partners".split()
)
# If the first word of a name has fewer letters than this, the name is not shortened: 'Go Digital' does not become 'Go'.
_MIN_SHORT_NAME = 4
_INTERVIEW = re.compile(
    r"\b[Ww]e(?:['’]ve)? (?:speak|spoke|talk|talked|chat|chatted|sat down|caught up) (?:to|with) [A-Z]"
)
_ROLE_ELSEWHERE = re.compile(
    r"\b(?i:founders?|co-?founders?|C[A-Z]O|president|chief executive(?: officer)?|owner|partner)\s+(?:of|at|@)\s+"
    r"(?P<name>[A-Z][\w.&-]*(?:\s+[A-Z][\w.&-]*)*)"
)


_TESTIMONIALS = re.compile(r"testimonial|review", re.IGNORECASE)
# Matches a customer's words about the company: 'We use Acme', 'Our team chose Acme', 'It changed my life'.
_CUSTOMER_SPEAKS = (
    r"\b(?:we|our \w+)\b.*\b(?:introduced|uses?|used|using|chose|adopted|implemented|switched to|moved to|"
    r"found|love|trust|recommend|thank)\s+(?:\w+\s)?{company}\b|\bmy\b"
)


@lru_cache(maxsize=CACHED_PAGES)
def own_lines(page: ReadPage, company: str) -> tuple[Line, ...]:
    """Return the lines in which the company speaks about itself.

    Leave out sections about other organisations ('About Acme Fund') and testimonials. Also leave out direct speech,
    unless the rest of its paragraph says 'we' or 'our' or names the company.
    """
    return tuple(_own_lines(page, company))


def _own_lines(page: ReadPage, company: str) -> Iterator[Line]:
    is_of_another = False
    for _, lines in groupby(page.lines, key=lambda line: line.block):
        block = [*lines]
        if block[0].form == "heading" or _ABOUT.fullmatch(block[0].text):
            is_of_another = _is_about_another(block[0].text, company)
        is_praise = _TESTIMONIALS.search(page.page.url + block[0].heading) and not has_words(company, block[0].text)
        if not (is_of_another or is_praise):
            narration = " ".join(line.narrated for line in block)
            own_voice = _OWN_VOICE.search(narration) or has_words(short_name(company), narration)
            yield from (line for line in block if own_voice or not line.quotes)


def _is_about_another(heading: str, company: str) -> bool:
    about = _ABOUT.fullmatch(heading)
    return bool(about) and not has_words(company, heading)


@lru_cache(maxsize=CACHED_TEXTS)
def is_of_another(text: str, company: str) -> bool:
    """Whether a line is about people of another organisation: 'We speak to Ada, founder of Globex'."""
    elsewhere = _ROLE_ELSEWHERE.search(text)
    return bool(_INTERVIEW.search(text)) or (elsewhere is not None and not has_words(company, elsewhere["name"]))


@lru_cache(maxsize=CACHED_TEXTS)
def is_own_subject(text: str, company: str) -> bool:
    """Whether the company is the subject of a sentence, as in 'Acme raised money' but not in 'Kevin loves Acme'."""
    is_own = _FIRST_PERSON.search(text) or _starts_with(text, company) or _starts_with(text, short_name(company))
    return bool(is_own) and not is_of_another(text, company) and not _customer_speaks(company).search(text)


@lru_cache(maxsize=CACHED_COMPANIES)
def _customer_speaks(company: str) -> re.Pattern[str]:
    return re.compile(_CUSTOMER_SPEAKS.format(company=re.escape(company)), re.IGNORECASE)


def _starts_with(text: str, company: str) -> bool:
    words = [_NO_LETTERS.sub("", word).casefold() for word in text.split(maxsplit=5)[:5]]
    name = [_NO_LETTERS.sub("", word).casefold() for word in company.split()]
    start = next((i for i in range(len(words)) if words[i : i + len(name)] == name or words[i] == f"{name[0]}s"), None)
    return start is not None and all(word in _SUBJECT_PREFIXES for word in words[:start])


_GENERIC = re.compile(
    r"(?:an? |the |most |many |all |modern |\W )*(?:[\w'’-]+ ){0,3}(?!we\b|you\b|our\b)[\w-]+s "
    r"(?:can |will |also |often )?"
    r"(?:help|let|allow|enable|provide|give|make|offer|need|are|have|use|want|take|become|require|support|work)\b"
    r"|(?:an?|the) (?:modern|typical|traditional|good|great|right|best)\b",
    re.IGNORECASE,
)


def is_generic(text: str, company: str) -> bool:
    """Whether a sentence is about a product category: 'Reverse ETL tools help teams', 'A modern stack provides ...'."""
    own = has_words(short_name(company), text) or re.search(r"\b(?:we|our|us)\b", text, re.IGNORECASE)
    return not own and bool(_GENERIC.match(text))


@lru_cache(maxsize=CACHED_COMPANIES)
def short_name(company: str) -> str:
    """Return what a company calls itself: 'Acme' for 'Acme Analytics, Inc.'."""
    words = company.split()
    while len(words) > 1 and re.sub(r"\W", "", words[-1]).casefold() in KINDS_OF_COMPANY:
        words.pop()
    return " ".join(words).rstrip(" ,") if words and len(words[0]) >= _MIN_SHORT_NAME else company
