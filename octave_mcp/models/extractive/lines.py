"""What the prospect says of itself: the lines worth quoting to it, the most telling first."""

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

PASSING_DAYS = 120

_NEVER: frozenset[PageKind] = frozenset({"case_study", "docs", "security", "faq", "other"})
_OF_PRODUCTS: frozenset[FactTopic] = frozenset({"offering", "technology", "pricing", "compliance"})
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
_NAMED: frozenset[PageKind] = frozenset({"about", "careers", "home", "news", "blog", "pricing", "customers", "product"})
_QUOTABLE = frozenset({None, "description"})
# A name of several words, which says nothing of a need: 'Peak XV'.
_NAME = re.compile(r"(?<=[\w,;] )[A-Z][\w’'&-]*(?: [A-Z][\w’'&-]*)+")
_PASSES = re.compile(
    r"\b(?:today|tomorrow|soon|next (?:few )?(?:week|month|year)s?|coming (?:week|month)s?|"
    r"this (?:week|month|year)|just|now)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the prospect's own; `where` says on which page, `worth` how much it tells."""

    where: str
    quote: str
    evidence: tuple[EvidenceId, ...]
    needs: frozenset[Need]
    worth: float


def lines(known: ProspectIntelligence, prospect: str, passages: Passages) -> list[Line]:
    """Lines about its product count only if there are no others."""
    told = known.company_profile.facts
    own = [(fact, _worth(fact)) for fact in told if fact.topic not in _OF_PRODUCTS]
    made = [(fact, _worth(fact)) for fact in told if fact.topic in _OF_PRODUCTS and _is_of(prospect, fact, passages)]
    pains = [(pain, 4.5 if pain.stated else 2.0) for pain in known.pain_points]
    found = list(_quotable([*pains, *own], passages)) or list(_quotable(made, passages))
    unique = {_gist(line.quote): line for line in sorted(found, key=lambda line: line.worth)}
    return sorted(unique.values(), key=lambda line: (-line.worth, found.index(line)))


def _quotable(found: Iterable[tuple[Finding[EvidenceId], float]], passages: Passages) -> Iterator[Line]:
    lines = (_line(finding.evidence[:1], worth, passages) for finding, worth in found)
    return (line for line in lines if line)


def _is_of(prospect: str, fact: Fact[EvidenceId], passages: Passages) -> bool:
    """Whether an English line about a product is about its maker; text for its users says nothing of use."""
    return speaks_of(fact.text, prospect) or not passages.english(fact.evidence)


def _worth(fact: Fact[EvidenceId]) -> float:
    topic = 2 - _TOPICS.index(fact.topic) * 0.15 if fact.topic in _TOPICS else 0
    return topic + 0.5 * bool(cues.FIGURE.search(fact.text))


def _line(evidence: tuple[EvidenceId, ...], worth: float, passages: Passages) -> Line | None:
    passage = passages.passage(evidence[0]) if evidence else None
    if passage is None or passage.page.kind in _NEVER:
        return None
    text = _text(passage)
    if not text or is_stale(passage.page) or _is_past(text, passages.age_days(evidence)):
        return None
    return Line(
        where=statement("pages", _place(passage)),
        quote=text,
        evidence=evidence,
        needs=frozenset(cues.needs_of(_NAME.sub("", text))),
        worth=worth + passages.recency(evidence) - (0 if passages.is_current(evidence) else 3),
    )


def _place(passage: Passage) -> str:
    kind = passage.page.kind
    return passage.where or (kind if kind in _NAMED else "other")


def _text(passage: Passage) -> str:
    """The passage as it can be quoted; one that is not in English only if it is short."""
    said = passage.text
    if passage.where not in _QUOTABLE:
        return ""
    if passage.page.language not in {"en", "und"}:
        is_short = len(said) <= MAX_FOREIGN_CHARACTERS and len(said.split()) <= MAX_FOREIGN_WORDS
        return said if is_short and not re.search(r"[“”\"|\n]", said) else ""
    text = without_lead(said)
    return text if _is_clear(text) else ""


def _is_clear(text: str) -> bool:
    """Whether a line is plain, clear by itself, and no name or founding date alone."""
    least = (
        3 if re.search(r"\d{2,}", text) else 5
    )  # a label with a figure of weight: '35,000+ databases launched daily'
    return (
        least <= len(text.split()) <= MAX_WORDS
        and stands_alone(text)
        and not cues.FOUNDING.search(text)
        and not is_person(text.split(", ", maxsplit=1)[0])
        and not re.search(r"[“”\"|?]|\bhttps?:| — .{0,200} — |\s[,.;]|\byour?\b", text)
    )


def _is_past(text: str, age: int | None) -> bool:
    """Whether a line is no longer news: 'soon' after some months, or a funding round of unknown date."""
    if _PASSES.search(text) and (age is None or age > PASSING_DAYS):
        return True
    return bool(cues.FACTS["funding"].search(text)) and age is None


def _gist(text: str) -> str:
    """By which two lines are seen to say the same."""
    return " ".join(normal(text).split()[:5])
