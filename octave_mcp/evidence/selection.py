"""Which passages to show where not all of them fit: those that tell most for a deal, and from every page its share.

The same passages give the same selection, in whatever order their pages arrive.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from math import sqrt
from statistics import fmean
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from octave_mcp.domain.evidence import Passage
from octave_mcp.domain.page import PageKind, PageRef
from octave_mcp.evidence.interest import Interest, Relevance
from octave_mcp.evidence.units import Unit, said_by, units
from octave_mcp.evidence.worth import Cue, points

# The characters that it takes to show each passage, by line. A line that several passages need counts once.
Costs = Sequence[Mapping[Hashable, int]]

# What a passage is worth by the kind of its page.
KINDS: Mapping[PageKind, float] = {
    "case_study": 1.5,
    "about": 1.5,
    "customers": 1.4,
    "news": 1.4,
    "pricing": 1.3,
    "home": 1.3,
    "careers": 1.2,
    "product": 1.1,
    "comparison": 1.1,
    "security": 1.1,
    "integrations": 1.0,
    "persona": 1.0,
    "blog": 1.0,
    "faq": 0.9,
    "other": 0.8,
    "docs": 0.6,
}
_NEW_DAYS, _OLD_DAYS = 200, 900
_NEW, _OLD = 1.3, 0.8
# A page whose title and path are as relevant as this counts twice.
_ABOUT_IT = 4
_MAX_RAISED = 2.5
# The share of its pairs of words from which a passage only repeats what is shown.
_SAME = 0.75
_OF_HEADING, _OF_LABEL = 0.5, 0.25
_LABEL_WORDS = 5
_TELLING = int(Cue.FIGURE | Cue.LOGOS | Cue.CERTIFICATE)
_PRICE = int(Cue.PRICE)
# Characters: so much does any passage cost, however short, when passages are weighed by their size.
_OF_LINE = 30


class _Weighed(NamedTuple):
    unit: Unit
    worth: float


def selected(passages: Sequence[Passage], interest: Interest, most: int, costs: Costs = ()) -> frozenset[int]:
    """The places of the passages to show; together they take at most `most` characters."""
    said, printed, chosen = set[str](), set[Hashable](), set[int]()
    for unit in _ranked(passages, interest, most):
        if len(unit.text) > most:
            continue
        lines = {line: size for at in unit.at for line, size in _lines(at, passages, costs) if line not in printed}
        if (size := sum(lines.values())) > most or _repeats(unit, pairs := unit.word_pairs, said):
            continue
        most -= size
        said |= pairs
        printed |= lines.keys()
        chosen.update(unit.at)
    return frozenset(chosen)


def ranks(passages: Sequence[Passage], interest: Interest, most: int) -> dict[int, int]:
    """The rank of each passage, by its place; those that only repeat another have none."""
    ranked = _ranked(passages, interest, most)
    return {at: rank for rank, unit in enumerate(ranked) for at in unit.at}


def _lines(at: int, passages: Sequence[Passage], costs: Costs) -> Iterable[tuple[Hashable, int]]:
    return costs[at].items() if costs else ((at, len(passages[at].text)),)


def _repeats(unit: Unit, pairs: set[str], said: set[str]) -> bool:
    """What has a figure, a price or a certificate of its own repeats nothing: two results may differ in that alone."""
    return bool(pairs) and not unit.cues & (_PRICE | _TELLING) and len(pairs & said) >= _SAME * len(pairs)


def _ranked(passages: Sequence[Passage], interest: Interest, most: int) -> list[Unit]:
    """The more of a page comes before a passage, the more that passage has to tell."""
    by_page: dict[str, list[_Weighed]] = defaultdict(list)
    for weighed in _once(_equalised(_weighed(passages, interest))):
        by_page[weighed.unit.first.page.url].append(weighed)
    share = max(1.0, most / max(1, len(by_page)))
    return [unit for unit, _ in sorted((w for page in by_page.values() for w in _shared(page, share)), key=_first)]


def _shared(page: Iterable[_Weighed], share: float) -> Iterator[_Weighed]:
    taken = 0
    for unit, worth in page:
        yield _Weighed(unit, worth / (1 + (taken / share) ** 1.5))
        taken += len(unit.text)


def _first(weighed: _Weighed) -> tuple[float, tuple[str, int]]:
    return -weighed.worth, weighed.unit.key


def _once(found: Iterable[_Weighed]) -> Iterator[_Weighed]:
    """In the order of their worth; of those that say the same, the first."""
    seen = set[str]()
    for weighed in sorted(found, key=_first):
        if (gist := weighed.unit.gist) not in seen:
            seen.add(gist)
            yield weighed


def _equalised(found: Sequence[_Weighed]) -> Iterator[_Weighed]:
    """Those in a language in which few cues are known are worth as much as the others."""
    worths: dict[str, list[float]] = defaultdict(list)
    for unit, worth in found:
        worths[unit.first.page.language[:2]].append(worth)
    typical = {language: fmean(own) for language, own in worths.items()}
    raised = {language: min(_MAX_RAISED, max(typical.values()) / own) for language, own in typical.items()}
    return (_Weighed(unit, worth * raised[unit.first.page.language[:2]]) for unit, worth in found)


def _weighed(passages: Sequence[Passage], interest: Interest) -> list[_Weighed]:
    told = said_by(passage.text for passage in passages)
    found = list(units(passages, told.by_text))
    relevance = Relevance(interest, [unit.said.words for unit in found], told.vocabulary)
    newest = max((unit.first.page.published_on for unit in found if unit.first.page.published_on), default=None)
    pages = {id(unit.first.page): unit.first.page for unit in found}
    heads = {own: f"{page.title} {unquote(urlsplit(page.url).path).replace('-', ' ')}" for own, page in pages.items()}
    said = said_by(heads.values()).by_text
    weights = {
        own: _of_page(page, relevance.of(heads[own], said[heads[own]].words), newest) for own, page in pages.items()
    }
    return [_Weighed(unit, _worth(unit, relevance) * weights[id(unit.first.page)]) for unit in found]


def _worth(unit: Unit, relevance: Relevance) -> float:
    """By size, so that short passages stand a chance against long ones, and not the other way round either."""
    told = points(unit.cues) + relevance.of(unit.text, unit.said.words)
    if len(unit.said.words) < _LABEL_WORDS and not unit.cues & _TELLING:
        told *= _OF_LABEL
    elif unit.is_heading:
        told *= _OF_HEADING
    return told / sqrt(_OF_LINE + len(unit.text))


def _of_page(page: PageRef, about: float, newest: date | None) -> float:
    """What a passage is worth by its page: its kind, how new it is, and how far its title or path is about the deal."""
    return KINDS[page.kind] * _newness(page.published_on, newest) * (1 + min(1.0, about / _ABOUT_IT))


def _newness(published: date | None, newest: date | None) -> float:
    """Measured from the newest page: what is chosen does not depend on the day."""
    if published is None or newest is None:
        return 1.0
    days = (newest - published).days
    return _NEW if days <= _NEW_DAYS else 1.0 if days <= _OLD_DAYS else _OLD
