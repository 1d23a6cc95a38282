"""Rules on claims that say more than the quotation: absolutes (D7), omitted limits and added comparisons (D40)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support.direction import directions_in, is_comparing_figures
from octave_mcp.evidence.support.lexicon import (
    COUNTED_PERIODS,
    HEDGES,
    PARTIAL_PHRASES,
    PARTIAL_WORDS,
    PROMISES,
    WHOLE_WORDS,
)
from octave_mcp.evidence.support.negation import hedges
from octave_mcp.evidence.support.quantities import quantities
from octave_mcp.evidence.support.statement import Statement, soft
from octave_mcp.evidence.support.strong_words import ABSOLUTES, LIMITS
from octave_mcp.evidence.support.wording import Word, Wording, keys_of, spaced


def added_absolute(statement: Statement) -> Iterator[Problem]:
    """Flag words such as "all", "never" and "guaranteed" if the quotation does not use them."""
    for word in statement.claim.words:
        kin = ABSOLUTES.get(word.lower)
        if not kin or kin & statement.lowers or _is_no_absolute(statement.claim, word):
            continue
        if not statement.is_claim and word.lower not in PROMISES:
            continue
        yield from soft("D7", f"the claim says {word.text!r}, and the quotation does not")
        return


def _is_no_absolute(claim: Wording, word: Word) -> bool:
    """Whether the word is part of a phrase that is not absolute, such as "every month" or "300 in all"."""
    following, before = claim.after(word), claim.before(word)
    if word.lower in {"every", "each", "all", "any"} and following.removesuffix("s") in COUNTED_PERIODS:
        return True
    # "Each import takes an hour on average" means the same as "one import takes an hour on average".
    if word.lower == "each" and following not in {"of", "and"}:
        return True
    # "However" is absolute only in phrases such as "however small".
    if word.lower == "however":
        return following not in {"much", "many", "far", "long", "often", "big", "small", "large", "few", "little"}
    if before == "not":
        return True
    return word.lower == "all" and (_is_idle_all(claim, word) or following == "in")


def _is_idle_all(claim: Wording, word: Word) -> bool:
    """Whether "all" does not mean "every one", as in "300 in all" and "at all"."""
    before = claim.before(word)
    return before in {"above", "at", "of", "not"} or (before == "in" and not claim.neighbours(word, 1)[1])


_WIDE = frozenset("all every each whole entire any everywhere".split())
_WIDE_IN_QUOTE = _WIDE | frozenset("both across full 100 no none entirely always throughout".split())
_NARROW = frozenset(
    "one a some most many half several few first single certain selected trial pilot part almost".split()
)
# In the claim, up to three words can stand between "all" and its noun. In the quotation, the rule looks for "one" in
# the three words before this noun, and for "all" in the four words before it.
_NOUN_REACH, _NARROW_REACH, _WIDE_REACH = 3, 3, 4


def widened_part(statement: Statement) -> Iterator[Problem]:
    """Flag "all teams" if the quotation says "one team", even if the quotation says "all" about other things."""
    if not statement.is_claim or statement.claim.lowers & HEDGES:
        return
    for word in statement.claim.words:
        if (
            word.lower not in _WIDE
            or _is_no_absolute(statement.claim, word)
            or not (thing := _noun_after(statement.claim, word))
        ):
            continue
        matches = [(quote, other) for quote in statement.quotes for other in quote.words if other.keys & thing.keys]
        before = [[near.lower for near in quote.neighbours(other, _WIDE_REACH)[0]] for quote, other in matches]
        is_narrow = any(not _NARROW.isdisjoint(near[:_NARROW_REACH]) for near in before)
        if is_narrow and all(_WIDE_IN_QUOTE.isdisjoint(near) for near in before):
            yield from soft("D7", f"the claim says {word.text!r} of {thing.text!r}, and the quotation does not")
            return


def _noun_after(claim: Wording, word: Word) -> Word | None:
    """Return the first noun after a word such as "all"."""
    _, after = claim.neighbours(word, _NOUN_REACH + 1)
    return next((other for other in after if other.is_content and not other.text[:1].isupper()), None)


_PART_WORDS = frozenset("of a one part".split())


def omitted_limit(statement: Statement) -> Iterator[Problem]:
    """Flag a claim that omits a limit of the quotation, such as "some", "most" or "on average"."""
    if not statement.is_claim or statement.claim.lowers & HEDGES:
        return
    for clause, quote in zip(statement.clauses, statement.quotes, strict=True):
        if complaint := _part_taken_for_whole(statement, clause, quote) or _omitted_limit(statement, clause):
            yield from soft("D40", complaint)
            return


def _part_taken_for_whole(statement: Statement, clause: tuple[Word, ...], quote: Wording) -> str:
    """Return an error text if the claim omits "some", or says "all" for "most". Otherwise, return ""."""
    if clause and clause[0].lower in PARTIAL_WORDS and not statement.claim.lowers & (PARTIAL_WORDS | _PART_WORDS):
        return f"the quotation says {clause[0].text!r}, and the claim leaves it out"
    wide = [
        word.text
        for word in statement.claim.words
        if word.lower in WHOLE_WORDS and not _is_no_absolute(statement.claim, word)
    ]
    text = _clause_text(clause)
    part = next((part for part in PARTIAL_PHRASES if f" {part} " in text and not statement.claim.has(part)), "")
    if wide and part and not quote.lowers & {word.lower() for word in wide}:
        return f"the quotation says {part!r}, and the claim says {wide[0]!r}"
    return ""


def _clause_text(clause: tuple[Word, ...]) -> str:
    """Return the clause without "for some reason", which is not a limit."""
    return spaced(clause).replace(" for some reason ", " ")


def _omitted_limit(statement: Statement, clause: tuple[Word, ...]) -> str:
    """Return an error text if the claim omits a limit. Otherwise, return "".

    Limits of figures, such as "up to 40", are checked in `figures`.
    """
    text = _clause_text(clause)
    for phrase, kin in LIMITS.items():
        place = text.find(f" {phrase} ")
        is_kept = (
            statement.claim.has(phrase)
            or statement.claim.lowers & kin
            or (phrase == "up to" and quantities(statement.text))
        )
        if (
            place >= 0
            and not is_kept
            and _limits_claim(statement, text[place:], clause)
            and not _PRAISE.match(text, place)
        ):
            return f"the quotation says {phrase!r}, and the claim leaves it out"
    return ""


# "Some of the largest firms" is praise, not a limit.
_PRAISE = re.compile(r" (?:some|many|one) of (?:our )?(?:the )?(?:\w+ ){0,2}(?:most|best|leading|top|\w{3,}est) ")
# A limiting phrase, such as "most of", applies to the words after it. At the end of a clause, such a phrase applies to
# the words before it: "38% fewer faults on average".
_LIMIT_REACH, _MAX_TRAILING_WORDS = 6, 2


def _limits_claim(statement: Statement, rest: str, clause: tuple[Word, ...]) -> bool:
    """Whether the claim contains a word that the limit applies to."""
    at = len(clause) - len(rest.split())
    behind = clause[at:]
    is_last = len(behind) <= _MAX_TRAILING_WORDS
    return statement.is_about(clause[max(0, at - _LIMIT_REACH) : at] if is_last else behind[:_LIMIT_REACH])


_NOT_COMPARING = frozenset("other rather later earlier over under".split())
# A comparison with one of these words, such as "faster than before", is not checked.
_EARLIER_STATES = frozenset("before today used now usual previously expected planned".split())
_COMPARING = frozenset("than compared versus vs ahead beats beat outperforms unlike instead x faster cheaper".split())
_SUPERLATIVES = frozenset(
    "fastest cheapest largest biggest easiest smallest highest lowest best strongest simplest newest oldest safest"
    " greatest".split()
)
_BEFORE_SUPERLATIVES = frozenset("the its their our a".split())
# If the quotation contains one of these words, the claim can use another superlative: "the best planner" for "the
# leading planner".
_SUPERLATIVE_LIKE = frozenset("most best leading top number one record".split())


def added_comparison(statement: Statement) -> Iterator[Problem]:
    """Flag a comparison or a superlative, such as "the fastest planner", if the quotation contains none."""
    if not statement.is_claim or (statement.kind == "inference" and hedges(statement.claim)):
        return
    for word in statement.claim.words:
        if word.lower == "than" and _compares(statement.claim, word) and not _compares_in_quote(statement):
            yield from soft("D40", "the claim compares, and the quotation does not")
            return
        is_claimed = word.lower in _SUPERLATIVES and statement.claim.before(word) in _BEFORE_SUPERLATIVES
        if is_claimed and not _has_superlative(statement, word):
            yield from soft("D40", f"the claim says {word.text!r}, and the quotation does not")
            return


def _compares(claim: Wording, than: Word) -> bool:
    before = [word.lower for word in claim.words[max(0, than.at - 2) : than.at]]
    if not before or before[-1] in _NOT_COMPARING or is_comparing_figures(claim, than.at - 1):
        return False
    is_comparative = before[-1].endswith("er") or before[0] in {"more", "less"}
    return is_comparative and not {w.lower for w in claim.words[than.at + 1 : than.at + 4]} & _EARLIER_STATES


def _compares_in_quote(statement: Statement) -> bool:
    return any(quote.lowers & _COMPARING or directions_in(quote, quote.words) for quote in statement.quotes)


def _has_superlative(statement: Statement, word: Word) -> bool:
    plain = word.lower.removesuffix("est").removesuffix("i")
    quoted = {lower for quote in statement.quotes for lower in quote.lowers}
    return bool(
        keys_of(plain) & statement.keys or quoted & _SUPERLATIVE_LIKE or any(lower.endswith("est") for lower in quoted)
    )
