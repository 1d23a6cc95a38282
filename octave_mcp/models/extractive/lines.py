"""Lines from the prospect's pages to quote in outlines. The lines that are most useful for an outline come first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from octave_mcp.domain.evidence import EvidenceId, Finding, Passage
from octave_mcp.domain.names import normal
from octave_mcp.domain.page import PageKind
from octave_mcp.domain.prospect import Fact, FactTopic, Need, ProspectIntelligence
from octave_mcp.evidence.passages import is_stale
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.names import is_person, speaks_of
from octave_mcp.models.extractive.outlines import statement
from octave_mcp.models.extractive.passages import Passages
from octave_mcp.models.extractive.quoting import (
    MAX_FOREIGN_CHARACTERS,
    MAX_FOREIGN_WORDS,
    MAX_WORDS,
    stands_alone,
    without_lead,
)

# A statement such as 'We are launching soon' is out of date after four months.
MAX_AGE_OF_NEWS_DAYS = 120

# Pages that are rarely about the company itself. For example, they quote customers or address users.
_EXCLUDED_PAGES: frozenset[PageKind] = frozenset({"case_study", "docs", "security", "faq", "other"})
_PRODUCT_TOPICS: frozenset[FactTopic] = frozenset({"offering", "technology", "pricing", "compliance"})
# Topics that give a better reason to contact the prospect come first. Each topic in the list scores 0.15 less than the
# topic before it.
_TOPICS: tuple[FactTopic, ...] = (
    "initiative",
    "funding",
    "scale",
    "hiring",
    "team",
    "customers",
    "business",
    "location",
    "technology",
    "offering",
    "pricing",
    "compliance",
)
_LABELLED: frozenset[PageKind] = frozenset(
    {"about", "careers", "home", "news", "blog", "pricing", "customers", "product"}
)
_QUOTABLE = frozenset({None, "description"})
# Matches names of several words, except at the start of a text. They are removed before the search for needs: 'backed
# by Sequoia Growth Partners' is not about growth.
_NAME = re.compile(r"(?<=[\w,;] )[A-Z][\w’'&-]*(?: [A-Z][\w’'&-]*)+")
_EXPIRES = re.compile(
    r"\b(?:today|tomorrow|soon|next (?:few )?(?:week|month|year)s?|coming (?:week|month)s?|"
    r"this (?:week|month|year)|just|now)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line to quote.

    `location` says where the line is from, such as 'Their careers page'. Lines with a higher `score` are quoted first.
    """

    location: str
    quote: str
    evidence: tuple[EvidenceId, ...]
    needs: frozenset[Need]
    score: float


def lines(known: ProspectIntelligence, prospect: str, passages: Passages) -> list[Line]:
    """Return the quotable lines, best first.

    Lines about the prospect's product are used only if there are no other lines.
    """
    facts = known.company_profile.facts
    own = [(fact, _score(fact)) for fact in facts if fact.topic not in _PRODUCT_TOPICS]
    product = [
        (fact, _score(fact))
        for fact in facts
        if fact.topic in _PRODUCT_TOPICS and _is_about_prospect(fact, prospect, passages)
    ]
    # Facts score at most 2.5. If two lines are equally recent and current, a stated pain outranks every fact, and an
    # inferred pain outranks most facts.
    pains = [(pain, 4.5 if pain.stated else 2.0) for pain in known.pain_points]
    candidates = list(_quotable([*pains, *own], passages)) or list(_quotable(product, passages))
    unique = {_key(line.quote): line for line in sorted(candidates, key=lambda line: line.score)}
    return sorted(unique.values(), key=lambda line: (-line.score, candidates.index(line)))


def _quotable(scored: Iterable[tuple[Finding[EvidenceId], float]], passages: Passages) -> Iterator[Line]:
    lines = (_line(finding.evidence[:1], score, passages) for finding, score in scored)
    return (line for line in lines if line)


def _is_about_prospect(fact: Fact[EvidenceId], prospect: str, passages: Passages) -> bool:
    """Whether a fact about the prospect's product says what the prospect does ('We ship ...'), not what its users do.

    Return True for facts in other languages, because the rules recognize the subject only in English sentences.
    """
    return speaks_of(fact.text, prospect) or not passages.english(fact.evidence)


def _score(fact: Fact[EvidenceId]) -> float:
    topic = 2 - _TOPICS.index(fact.topic) * 0.15 if fact.topic in _TOPICS else 0
    return topic + 0.5 * bool(cues.FIGURE.search(fact.text))


def _line(evidence: tuple[EvidenceId, ...], score: float, passages: Passages) -> Line | None:
    passage = passages.passage(evidence[0]) if evidence else None
    if passage is None or passage.page.kind in _EXCLUDED_PAGES:
        return None
    text = _text(passage)
    if not text or is_stale(passage.page) or _is_past(text, passages.age_days(evidence)):
        return None
    return Line(
        location=statement("pages", _location(passage)),
        quote=text,
        evidence=evidence,
        needs=cues.needs_of(_NAME.sub("", text)),
        score=score + passages.recency(evidence) - (0 if passages.is_current(evidence) else 3),
    )


def _location(passage: Passage) -> str:
    kind = passage.page.kind
    return passage.where or (kind if kind in _LABELLED else "other")


def _text(passage: Passage) -> str:
    """Return the text to quote, or '' if nothing can be quoted.

    Text in other languages is quoted only if it is short.
    """
    text = passage.text
    if passage.where not in _QUOTABLE:
        return ""
    if passage.page.language not in {"en", "und"}:
        is_short = len(text) <= MAX_FOREIGN_CHARACTERS and len(text.split()) <= MAX_FOREIGN_WORDS
        return text if is_short and not re.search(r"[“”\"|\n]", text) else ""
    text = without_lead(text)
    return text if _is_clear(text) else ""


def _is_clear(text: str) -> bool:
    """Whether a line can be understood on its own and says more than a name or a founding date."""
    # Three words are enough for a label with a number of two or more digits: '35,000+ databases launched'.
    min_words = 3 if re.search(r"\d{2,}", text) else 5
    return (
        min_words <= len(text.split()) <= MAX_WORDS
        and stands_alone(text)
        and not cues.FOUNDING.search(text)
        and not is_person(text.split(", ", maxsplit=1)[0])
        and not re.search(r"[“”\"|?]|\bhttps?:| — .{0,200} — |\s[,.;]|\byour?\b", text)
    )


def _is_past(text: str, age: int | None) -> bool:
    """Whether a line is out of date, for example because it says 'soon' and its page is old."""
    if _EXPIRES.search(text) and (age is None or age > MAX_AGE_OF_NEWS_DAYS):
        return True
    return bool(cues.FACTS["funding"].search(text)) and age is None


def _key(text: str) -> str:
    return " ".join(normal(text).split()[:5])
