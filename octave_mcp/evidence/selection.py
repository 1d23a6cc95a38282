"""Selects the most informative passages for an ask if not all of them fit. No single page fills the whole selection.

The selection does not depend on the order in which pages are read.
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
from octave_mcp.evidence.passage_scores import Cue, points
from octave_mcp.evidence.units import Unit, analysed, units

# For each passage, the lines that are shown with it, and the size of each line. If several passages share a line, such
# as a heading, the line is counted only once.
Costs = Sequence[Mapping[Hashable, int]]

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
_NEW_FACTOR, _OLD_FACTOR = 1.3, 0.8
# A page whose title and path have this relevance gets twice the weight of an irrelevant page.
_FULL_RELEVANCE = 4
_MAX_LANGUAGE_FACTOR = 2.5
# A passage counts as repeated if the selected passages contain at least three quarters of its word pairs.
_MIN_REPEATED_SHARE = 0.75
# These factors lower the scores of headings and of labels such as 'Learn more', because they say less than a sentence.
_HEADING_FACTOR, _LABEL_FACTOR = 0.5, 0.25
_MIN_SENTENCE_WORDS = 5
_FACT_CUES = int(Cue.FIGURE | Cue.LOGOS | Cue.CERTIFICATE)
_PRICE = int(Cue.PRICE)
# Added to the length of each passage, in characters, so that the shortest passages do not always get the best score.
_LINE_COST = 30


class _Weighed(NamedTuple):
    unit: Unit
    worth: float


def selected(passages: Sequence[Passage], interest: Interest, max_characters: int, costs: Costs = ()) -> frozenset[int]:
    """Return the indexes of the passages to show to the model.

    `max_characters` is the maximum total length of these passages, in characters.
    """
    shown_pairs, shown_lines, chosen = set[str](), set[Hashable](), set[int]()
    characters_left = max_characters
    for unit in _ranked(passages, interest, max_characters):
        if len(unit.text) > characters_left:
            continue
        lines = {line: size for at in unit.at for line, size in _lines(at, passages, costs) if line not in shown_lines}
        if (size := sum(lines.values())) > characters_left or _repeats(unit, pairs := unit.word_pairs, shown_pairs):
            continue
        characters_left -= size
        shown_pairs |= pairs
        shown_lines |= lines.keys()
        chosen.update(unit.at)
    return frozenset(chosen)


def ranks(passages: Sequence[Passage], interest: Interest, max_characters: int) -> dict[int, int]:
    """Map the index of each passage to its rank (0 is the best). Passages that repeat another passage are left out."""
    ranked = _ranked(passages, interest, max_characters)
    return {at: rank for rank, unit in enumerate(ranked) for at in unit.at}


def _lines(at: int, passages: Sequence[Passage], costs: Costs) -> Iterable[tuple[Hashable, int]]:
    return costs[at].items() if costs else ((at, len(passages[at].text)),)


def _repeats(unit: Unit, pairs: set[str], shown_pairs: set[str]) -> bool:
    """Whether this passage group mostly repeats passages that are already selected.

    Text with a figure, a price, logos or a certificate never counts as repeated, because two texts can differ only in
    this detail: 'saves 20 %' and 'saves 40 %'.
    """
    if not pairs or unit.cues & (_PRICE | _FACT_CUES):
        return False
    return len(pairs & shown_pairs) >= _MIN_REPEATED_SHARE * len(pairs)


def _ranked(passages: Sequence[Passage], interest: Interest, max_characters: int) -> list[Unit]:
    """Return the passage groups, with the best first.

    Each further passage group from the same page gets a lower score, so that no page fills the whole selection.
    """
    by_page: dict[str, list[_Weighed]] = defaultdict(list)
    for weighed in _once(_equalised(_weighed(passages, interest))):
        by_page[weighed.unit.first.page.url].append(weighed)
    share = max(1.0, max_characters / max(1, len(by_page)))
    weighed = (entry for page in by_page.values() for entry in _with_diminishing_worth(page, share))
    return [unit for unit, _ in sorted(weighed, key=_best_first)]


def _with_diminishing_worth(page: Iterable[_Weighed], share: float) -> Iterator[_Weighed]:
    taken = 0
    for unit, worth in page:
        yield _Weighed(unit, worth / (1 + (taken / share) ** 1.5))
        taken += len(unit.text)


def _best_first(weighed: _Weighed) -> tuple[float, tuple[str, int]]:
    return -weighed.worth, weighed.unit.key


def _once(weighed_units: Iterable[_Weighed]) -> Iterator[_Weighed]:
    """Yield the passage groups, with the best first.

    If several groups have the same wording, only the best group is yielded.
    """
    seen = set[str]()
    for weighed in sorted(weighed_units, key=_best_first):
        if (gist := weighed.unit.gist) not in seen:
            seen.add(gist)
            yield weighed


def _equalised(weighed_units: Sequence[_Weighed]) -> Iterator[_Weighed]:
    """Raise the scores in languages with few known keywords, so that all languages have similar average scores."""
    worths: dict[str, list[float]] = defaultdict(list)
    for unit, worth in weighed_units:
        worths[unit.first.page.language[:2]].append(worth)
    typical = {language: fmean(own) for language, own in worths.items()}
    raised = {language: min(_MAX_LANGUAGE_FACTOR, max(typical.values()) / own) for language, own in typical.items()}
    return (_Weighed(unit, worth * raised[unit.first.page.language[:2]]) for unit, worth in weighed_units)


def _weighed(passages: Sequence[Passage], interest: Interest) -> list[_Weighed]:
    passage_texts = analysed(passage.text for passage in passages)
    all_units = list(units(passages, passage_texts.by_text))
    relevance = Relevance(interest, [unit.analysis.words for unit in all_units], passage_texts.vocabulary)
    newest = max((unit.first.page.published_on for unit in all_units if unit.first.page.published_on), default=None)
    pages = {id(unit.first.page): unit.first.page for unit in all_units}
    heads = {
        page_id: f"{page.title} {unquote(urlsplit(page.url).path).replace('-', ' ')}" for page_id, page in pages.items()
    }
    head_texts = analysed(heads.values()).by_text
    weights = {
        page_id: _page_weight(page, relevance.of(heads[page_id], head_texts[heads[page_id]].words), newest)
        for page_id, page in pages.items()
    }
    return [_Weighed(unit, _worth(unit, relevance) * weights[id(unit.first.page)]) for unit in all_units]


def _worth(unit: Unit, relevance: Relevance) -> float:
    """Return how informative the passage group is, relative to its length.

    The score is divided by the square root of the length, so that neither short nor long passages always win.
    """
    information = points(unit.cues) + relevance.of(unit.text, unit.analysis.words)
    if len(unit.analysis.words) < _MIN_SENTENCE_WORDS and not unit.cues & _FACT_CUES:
        information *= _LABEL_FACTOR
    elif unit.is_heading:
        information *= _HEADING_FACTOR
    return information / sqrt(_LINE_COST + len(unit.text))


def _page_weight(page: PageRef, about: float, newest: date | None) -> float:
    """Return the weight of a page, which depends on its kind, its age and the relevance of its title and path."""
    return KINDS[page.kind] * _age_weight(page.published_on, newest) * (1 + min(1.0, about / _FULL_RELEVANCE))


def _age_weight(published: date | None, newest: date | None) -> float:
    """Return the weight for a page's age.

    The age is relative to the newest page, so the result is the same every day.
    """
    if published is None or newest is None:
        return 1.0
    days = (newest - published).days
    return _NEW_FACTOR if days <= _NEW_DAYS else 1.0 if days <= _OLD_DAYS else _OLD_FACTOR
