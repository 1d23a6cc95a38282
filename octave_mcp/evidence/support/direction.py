"""Rules on direction: up or down, more or less, and opposites (D40)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support.changes import change_way, is_of_time, is_turned_round
from octave_mcp.evidence.support.comparisons import is_against_figures
from octave_mcp.evidence.support.denials import denying
from octave_mcp.evidence.support.lexicon import (
    BETTER,
    DOWN,
    LESS,
    LONGER,
    MORE,
    NEGATIONS,
    NOT_ONLY,
    OPPOSITES,
    SCOPE_ENDS,
    SHORTER,
    UP,
    WORSE,
)
from octave_mcp.evidence.support.sequence import is_out_of_time
from octave_mcp.evidence.support.statement import Statement, soft
from octave_mcp.evidence.support.wording import Word, Wording, shares, stem, stems

_OTHER_WAY = "the quotation says it the other way round"


def direction(one: Statement) -> Iterator[Problem]:
    """Rose or fell, more or fewer, from and to, who did it to whom."""
    if not one.is_claim:
        return
    mine, theirs = ways(one.claim, one.claim.words), _quoted_ways(one)
    if len(mine) == len(theirs) == 1 and mine != theirs:
        said, claimed = ("up", "down") if "up" in theirs else ("down", "up")
        yield from soft("D40", f"the quotation says that it went {said}, and the claim that it went {claimed}")
    elif any(is_against(one) for is_against in (*_AT_FIGURES, _differs_at_a_word, is_turned_round, is_out_of_time)):
        yield from soft("D40", _OTHER_WAY)


def _quoted_ways(one: Statement) -> set[str]:
    found = {way for quote, clause in zip(one.quotes, one.clauses, strict=True) for way in ways(quote, clause)}
    if found or one.claim.lowers & (LONGER | SHORTER):
        return found
    return set(filter(None, (change_way(quoted.text) for quoted in one.evidence)))


def ways(text: Wording, words: Sequence[Word]) -> set[str]:
    """'up' and 'down', as far as these words say."""
    found: set[str] = set()
    for word in words:
        own = ways_of(word)
        if own and not _is_bound(text, word):
            found |= {_turned(way) for way in own} if _is_denied(text, word) else own
    return found


def ways_of(word: Word) -> frozenset[str]:
    return _ways_of(word.lower)


@lru_cache(maxsize=8192)
def _ways_of(lower: str) -> frozenset[str]:
    own = stem(lower)
    up, down = lower in MORE or own in stems(UP), lower in LESS or own in stems(DOWN)
    return frozenset(way for way, goes in (("up", up), ("down", down)) if goes)


def _turned(way: str) -> str:
    return "down" if way == "up" else "up"


_DENYING = frozenset("not never nor without hardly".split())


def _is_denied(text: Wording, word: Word) -> bool:
    """'Not only grew' is not denied."""
    return any(text.after(other) not in NOT_ONLY for other in denying(text, word, _DENYING, within=3))


_IDLE_AFTER = frozenset("no and sign set not".split())
_IDLE = frozenset("up more longer down".split())


def _is_bound(text: Wording, word: Word) -> bool:
    """'More than 40', 'no more than' and 'set up' say nothing of a direction."""
    before = text.before(word)
    if before in _IDLE_AFTER and word.lower in _IDLE:
        return True
    if before == "the" and word.lower in {"more", "less"}:  # 'the more you use'
        return True
    if word.lower == "up" and (before in _UP_WITH or text.after(word) == "and"):
        return True
    if word.lower == "up" and text.after(word) == "to" and before not in _GOING:
        return True
    return text.after(word) == "than" and (before == "no" or is_comparing_figures(text, word.at))


_UP_WITH = frozenset(
    "dry dries dried drying end ends ended pick picks picked back backs backed look looks looked make makes made follow"
    " follows followed catch keep keeps kept line lines open opens opened start turn turns turned show clean".split()
)
# 'Ends up' and 'up and running' go nowhere, and 'up to 40' is a bound.
_GOING = frozenset("go goes went going gone moved shot way is are was".split())
_FIGURE_NEXT = re.compile(
    r"\w+ than (?:an? |the |[$€£])?(?:\d|half|third|quarter|twice|double|one|two|three|four|five|six|seven|eight"
    r"|nine|ten"
    r"|twenty|doz|hundred|thousand|million)",
    re.IGNORECASE,
)


def is_comparing_figures(text: Wording, at: int) -> bool:
    """'More than 40' is a bound."""
    return bool(_FIGURE_NEXT.match(text.text, text.words[at].start))


def _differs_at_a_figure(one: Statement) -> bool:
    """'40% fewer' where the quotation says '40% more'."""
    for word in one.claim.words:
        mine = _ways_at(one.claim, word) if word.is_figure else set[str]()
        if len(mine) != 1:
            continue
        for quote in one.quotes:
            same = [other for other in quote.words if other.lower == word.lower]
            theirs = _ways_at(quote, same[0]) if len(same) == 1 else set[str]()
            if len(theirs) == 1 and theirs != mine:
                return True
    return False


_NEAR = 4


def _differs_at_a_word(one: Statement) -> bool:
    """'Raises the risk', or 'the risk was rising', where the quotation says 'reduces the risk'."""
    if not any(map(ways_of, one.claim.words)):
        return False
    for word in one.claim.words:
        own = stem(word.lower)
        is_read = word.is_content and not ways_of(word)
        same = [
            (quote, other)
            for quote in (one.quotes if is_read else ())
            if own in quote.stems
            for other in quote.words
            if stem(other.lower) == own
        ]
        mine = _ways_beside(one.claim, word, one.content_keys) if same else set[str]()
        if len(mine) != 1:
            continue
        theirs = {way for quote, other in same for way in _ways_beside(quote, other, one.content_keys)}
        if len(theirs) == 1 and theirs != mine:
            return True
    return False


_VERB_WITHIN = 3


def _ways_beside(text: Wording, word: Word, shared: frozenset[str]) -> set[str]:
    return _ways_before(text, word, shared) or _ways_after(text, word)


def _ways_before(text: Wording, word: Word, shared: frozenset[str]) -> set[str]:
    """The way of the nearest word before it that has one, without a word of meaning between that only one side has."""
    before, _ = text.beside(word, _VERB_WITHIN + 1)
    reach = _VERB_WITHIN
    for at, other in enumerate(before):
        if at < reach and (found := ways(text, [other])):
            return found
        is_of_it = at == 0 and shares(other, shared)
        reach += is_of_it
        is_between = other.lower in _BETWEEN or is_of_it
        if (other.is_content and not is_between) or other.lower in SCOPE_ENDS:
            break
    return set()


_BETWEEN = frozenset("number share rate cost amount level volume time".split())
_AFTER_WITHIN = 6
_PASSED = frozenset(
    "is are was were has have had been be being keep keeps kept start starts started began begun continue continues"
    " continued will would to at of in for from on steadily sharply slowly quickly rapidly constantly also then now"
    " only even still".split()
)


def _ways_after(text: Wording, word: Word) -> set[str]:
    """The way of the verb after it, past auxiliary verbs and names: 'requests at Globex have been shrinking'."""
    _, after = text.beside(word, _AFTER_WITHIN)
    for other in after:
        is_verb = other.lower not in MORE and other.lower not in LESS and not other.text[:1].isupper()
        if is_verb and (found := ways(text, [other])):
            return set() if _is_of_a_noun(text, other) else found
        if other.lower not in _PASSED and not other.text[:1].isupper():
            break
    return set()


def _is_of_a_noun(text: Wording, verb: Word) -> bool:
    """'Grew its sales' says nothing of what grew them."""
    return text.after(verb) in _ARTICLES


_ARTICLES = frozenset("the a an its their his her our your all each every this that these those".split())


def _ways_at(text: Wording, figure: Word) -> set[str]:
    """The way of the word right after a figure, as in '38% lower', or of those around it."""
    after = text.words[figure.at + 1 : figure.at + 2]
    if after and after[0].clause == figure.clause and after[0].lower in MORE | LESS and (found := ways(text, after)):
        return found
    near = [w for w in text.words[max(0, figure.at - _NEAR) : figure.at + _NEAR] if w.clause == figure.clause]
    found = ways(text, near)
    found |= {"up"} if any(word.lower in BETTER for word in near) else set()
    return found | ({"down"} if any(word.lower in WORSE for word in near) else set())


def _takes_longer(one: Statement) -> bool:
    """'Five weeks longer' where the quotation says '3 weeks instead of 8'."""
    return any(
        one.claim.lowers & (LONGER if way == "down" else SHORTER)
        for quoted in one.evidence
        if (way := change_way(quoted.text)) and is_of_time(quoted.text)
    )


_AT_FIGURES = (_differs_at_a_figure, _takes_longer, is_against_figures)
_PHRASES = (
    ("limited", "unlimited"),
    ("too few", "too many"),
    ("too little", "too much"),
    ("too early", "too late"),
    ("too slow", "too fast"),
)
_OPPOSITE_PHRASES = (*_PHRASES, *((second, first) for first, second in _PHRASES))


def opposites(one: Statement) -> Iterator[Problem]:
    """One side has a word, the other only its opposite, and neither is denied."""
    if not one.is_claim or one.claim.lowers & NEGATIONS:
        return
    sentences = [words for quote in one.quotes for words in quote.sentences]
    said = frozenset(stem(w.lower) for words in sentences if not {w.lower for w in words} & NEGATIONS for w in words)
    for mine, theirs in _OPPOSITE_PHRASES:
        if one.claim.has(mine) and any(quote.has(theirs) and not quote.has(mine) for quote in one.quotes):
            yield from soft("D40", f"the claim says {mine!r}, and the quotation {theirs!r}")
            return
    mine = one.claim.stems
    for own, opposite in _opposites():
        if own in mine and opposite in said and own not in said and opposite not in mine:
            yield from soft("D40", f"the claim says {_word(one, own)!r}, but the quotation says the opposite")
            return


@cache
def _opposites() -> tuple[tuple[str, str], ...]:
    pairs = [(stem(first), stem(second)) for first, second in OPPOSITES]
    return (*pairs, *((second, first) for first, second in pairs))


def _word(one: Statement, its_stem: str) -> str:
    return next(word.text for word in one.claim.words if stem(word.lower) == its_stem)
