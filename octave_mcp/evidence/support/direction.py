"""Rules on the direction of changes and comparisons (up or down, more or less) and on opposite words (D40)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support.changes import change_direction, is_change_of_time, is_reversed
from octave_mcp.evidence.support.comparisons import contradicts_figures
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
from octave_mcp.evidence.support.sequence import is_out_of_sequence
from octave_mcp.evidence.support.statement import Statement, soft
from octave_mcp.evidence.support.wording import Word, Wording, shares, stem, stems

_REVERSED_REASON = "the quotation says it the other way round"


def opposite_direction(statement: Statement) -> Iterator[Problem]:
    """Flag a claim with the opposite direction: the claim says "rose", and the quotation "fell"."""
    if not statement.is_claim:
        return
    claimed_directions, quoted_directions = (
        directions_in(statement.claim, statement.claim.words),
        _quoted_directions(statement),
    )
    if len(claimed_directions) == len(quoted_directions) == 1 and claimed_directions != quoted_directions:
        quoted, claimed = ("up", "down") if "up" in quoted_directions else ("down", "up")
        yield from soft("D40", f"the quotation says that it went {quoted}, and the claim that it went {claimed}")
    elif any(
        is_against(statement) for is_against in (*_FIGURE_CHECKS, _differs_at_a_word, is_reversed, is_out_of_sequence)
    ):
        yield from soft("D40", _REVERSED_REASON)


def _quoted_directions(statement: Statement) -> set[str]:
    in_clauses = {
        way
        for quote, clause in zip(statement.quotes, statement.clauses, strict=True)
        for way in directions_in(quote, clause)
    }
    if in_clauses or statement.claim.lowers & (LONGER | SHORTER):
        return in_clauses
    return set(filter(None, (change_direction(quotation.text) for quotation in statement.evidence)))


def directions_in(text: Wording, words: Sequence[Word]) -> set[str]:
    """Return the directions of change that these words express: "up", "down", both or none.

    A denied word counts as the opposite direction: "did not grow" is "down".
    """
    directions: set[str] = set()
    for word in words:
        word_directions = directions_of(word)
        if word_directions and not _has_no_direction(text, word):
            directions |= {_reversed(way) for way in word_directions} if _is_denied(text, word) else word_directions
    return directions


def directions_of(word: Word) -> frozenset[str]:
    return _directions_of(word.lower)


@lru_cache(maxsize=8192)
def _directions_of(lower: str) -> frozenset[str]:
    word_stem = stem(lower)
    up, down = lower in MORE or word_stem in stems(UP), lower in LESS or word_stem in stems(DOWN)
    return frozenset(way for way, goes in (("up", up), ("down", down)) if goes)


def _reversed(way: str) -> str:
    return "down" if way == "up" else "up"


_DENYING = frozenset("not never nor without hardly".split())


def _is_denied(text: Wording, word: Word) -> bool:
    """Whether a negation denies the word. In "not only grew", "not" does not deny "grew"."""
    return any(text.after(other) not in NOT_ONLY for other in denying(text, word, _DENYING, within=3))


_IDLE_PREDECESSORS = frozenset("no and sign set not".split())
_IDLE_WORDS = frozenset("up more longer down".split())


def _has_no_direction(text: Wording, word: Word) -> bool:
    """Whether a word such as "more" or "up" expresses no direction, as in "more than 40" or "set up"."""
    before = text.before(word)
    if before in _IDLE_PREDECESSORS and word.lower in _IDLE_WORDS:
        return True
    if before == "the" and word.lower in {"more", "less"}:  # "The more you use, ..." states no change.
        return True
    if word.lower == "up" and (before in _PHRASAL_UP or text.after(word) == "and"):
        return True
    if word.lower == "up" and text.after(word) == "to" and before not in _MOTION_VERBS:
        return True
    return text.after(word) == "than" and (before == "no" or is_comparing_figures(text, word.at))


# After one of these verbs, "up" has no direction: "ends up".
_PHRASAL_UP = frozenset(
    "dry dries dried drying end ends ended pick picks picked back backs backed look looks looked make makes made follow"
    " follows followed catch keep keeps kept line lines open opens opened start turn turns turned show clean".split()
)
# After one of these words, "up to 40" counts as a rise, as in "went up to 40". After any other word, it counts as a
# limit.
_MOTION_VERBS = frozenset("go goes went going gone moved shot way is are was".split())
_THAN_FIGURE = re.compile(
    r"\w+ than (?:an? |the |[$€£])?(?:\d|half|third|quarter|twice|double|one|two|three|four|five|six|seven|eight"
    r"|nine|ten"
    r"|twenty|doz|hundred|thousand|million)",
    re.IGNORECASE,
)


def is_comparing_figures(text: Wording, at: int) -> bool:
    """Whether "than" and a figure follow the word: "more than 40" is a bound, not a comparison."""
    return bool(_THAN_FIGURE.match(text.text, text.words[at].start))


def _differs_at_a_figure(statement: Statement) -> bool:
    """Whether a figure has opposite directions in the two texts: "40% fewer" and "40% more"."""
    for word in statement.claim.words:
        claimed_directions = _directions_at_figure(statement.claim, word) if word.is_figure else set[str]()
        if len(claimed_directions) != 1:
            continue
        for quote in statement.quotes:
            matches = [other for other in quote.words if other.lower == word.lower]
            quoted_directions = _directions_at_figure(quote, matches[0]) if len(matches) == 1 else set[str]()
            if len(quoted_directions) == 1 and quoted_directions != claimed_directions:
                return True
    return False


_REACH = 4


def _differs_at_a_word(statement: Statement) -> bool:
    """Whether a word has opposite directions in the two texts: "raises the risk" and "reduces the risk"."""
    if not any(map(directions_of, statement.claim.words)):
        return False
    for word in statement.claim.words:
        word_stem = stem(word.lower)
        is_compared = word.is_content and not directions_of(word)
        matches = [
            (quote, other)
            for quote in (statement.quotes if is_compared else ())
            if word_stem in quote.stems
            for other in quote.words
            if stem(other.lower) == word_stem
        ]
        claimed_directions = _directions_near(statement.claim, word, statement.content_keys) if matches else set[str]()
        if len(claimed_directions) != 1:
            continue
        quoted_directions = {
            way for quote, other in matches for way in _directions_near(quote, other, statement.content_keys)
        }
        if len(quoted_directions) == 1 and quoted_directions != claimed_directions:
            return True
    return False


_VERB_REACH = 3


def _directions_near(text: Wording, word: Word, shared: frozenset[str]) -> set[str]:
    return _direction_before(text, word, shared) or _direction_after(text, word)


def _direction_before(text: Wording, word: Word, shared: frozenset[str]) -> set[str]:
    """Find the nearest word before `word` that expresses a direction (up or down), and return this direction.

    The search stops at the first content word that the claim and the quotation do not share.
    """
    before, _ = text.neighbours(word, _VERB_REACH + 1)
    reach = _VERB_REACH
    for at, other in enumerate(before):
        if at < reach and (directions := directions_in(text, [other])):
            return directions
        is_of_it = at == 0 and shares(other, shared)
        reach += is_of_it
        is_between = other.lower in _MEASURES or is_of_it
        if (other.is_content and not is_between) or other.lower in SCOPE_ENDS:
            break
    return set()


# In "reduces the number of calls", the calls are reduced, so words such as "number" are skipped.
_MEASURES = frozenset("number share rate cost amount level volume time".split())
_AFTER_REACH = 6
# These words can separate a subject and its verb: "requests have been steadily shrinking".
_SKIPPED = frozenset(
    "is are was were has have had been be being keep keeps kept start starts started began begun continue continues"
    " continued will would to at of in for from on steadily sharply slowly quickly rapidly constantly also then now"
    " only even still".split()
)


def _direction_after(text: Wording, word: Word) -> set[str]:
    """Return the direction of the verb after a word, such as "down" in "requests have been shrinking"."""
    _, after = text.neighbours(word, _AFTER_REACH)
    for other in after:
        is_verb = other.lower not in MORE and other.lower not in LESS and not other.text[:1].isupper()
        if is_verb and (directions := directions_in(text, [other])):
            return set() if _has_object(text, other) else directions
        if other.lower not in _SKIPPED and not other.text[:1].isupper():
            break
    return set()


def _has_object(text: Wording, verb: Word) -> bool:
    """Whether an object follows the verb. In "stores grew their sales", the sales grew, not the stores."""
    return text.after(verb) in _ARTICLES


_ARTICLES = frozenset("the a an its their his her our your all each every this that these those".split())


def _directions_at_figure(text: Wording, figure: Word) -> set[str]:
    """Return the direction of the word after a figure, as in "38% lower".

    If this word has no direction, return the directions of the words near the figure.
    """
    after = text.words[figure.at + 1 : figure.at + 2]
    if (
        after
        and after[0].clause == figure.clause
        and after[0].lower in MORE | LESS
        and (directions := directions_in(text, after))
    ):
        return directions
    near = [w for w in text.words[max(0, figure.at - _REACH) : figure.at + _REACH] if w.clause == figure.clause]
    directions = directions_in(text, near)
    directions |= {"up"} if any(word.lower in BETTER for word in near) else set()
    return directions | ({"down"} if any(word.lower in WORSE for word in near) else set())


def _takes_longer(statement: Statement) -> bool:
    """Whether the claim says "longer" where the quotation says "3 weeks instead of 8"."""
    return any(
        statement.claim.lowers & (LONGER if way == "down" else SHORTER)
        for quotation in statement.evidence
        if (way := change_direction(quotation.text)) and is_change_of_time(quotation.text)
    )


_FIGURE_CHECKS = (_differs_at_a_figure, _takes_longer, contradicts_figures)
_PHRASES = (
    ("limited", "unlimited"),
    ("too few", "too many"),
    ("too little", "too much"),
    ("too early", "too late"),
    ("too slow", "too fast"),
)
_OPPOSITE_PHRASES = (*_PHRASES, *((second, first) for first, second in _PHRASES))


def opposite_words(statement: Statement) -> Iterator[Problem]:
    """Flag a word in the claim if the quotation contains only the opposite word: "limited" for "unlimited"."""
    if not statement.is_claim or statement.claim.lowers & NEGATIONS:
        return
    sentences = [words for quote in statement.quotes for words in quote.sentences]
    quoted_stems = frozenset(
        stem(w.lower) for words in sentences if not {w.lower for w in words} & NEGATIONS for w in words
    )
    for claimed, quoted in _OPPOSITE_PHRASES:
        if statement.claim.has(claimed) and any(
            quote.has(quoted) and not quote.has(claimed) for quote in statement.quotes
        ):
            yield from soft("D40", f"the claim says {claimed!r}, and the quotation {quoted!r}")
            return
    claimed = statement.claim.stems
    for word_stem, opposite in _opposites():
        if (
            word_stem in claimed
            and opposite in quoted_stems
            and word_stem not in quoted_stems
            and opposite not in claimed
        ):
            yield from soft(
                "D40", f"the claim says {_text_of(statement, word_stem)!r}, but the quotation says the opposite"
            )
            return


@cache
def _opposites() -> tuple[tuple[str, str], ...]:
    pairs = [(stem(first), stem(second)) for first, second in OPPOSITES]
    return (*pairs, *((second, first) for first, second in pairs))


def _text_of(statement: Statement, its_stem: str) -> str:
    return next(word.text for word in statement.claim.words if stem(word.lower) == its_stem)
