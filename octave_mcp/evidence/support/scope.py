"""Rules on scope: absolutes (D7), parts taken for the whole, and comparisons that nobody made (D40)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support.direction import is_comparing_figures, ways
from octave_mcp.evidence.support.kin import ABSOLUTES, KEPT
from octave_mcp.evidence.support.lexicon import COUNTED_PERIODS, PARTIAL_PHRASES, PROMISES, SOME, UNSURE, WHOLE
from octave_mcp.evidence.support.negation import hedges
from octave_mcp.evidence.support.quantities import quantities
from octave_mcp.evidence.support.statement import Statement, soft
from octave_mcp.evidence.support.wording import Word, Wording, keys_of, spaced


def absolutes(one: Statement) -> Iterator[Problem]:
    """D7: no absolute but those that the quotation itself uses."""
    for word in one.claim.words:
        kin = ABSOLUTES.get(word.lower)
        if not kin or kin & one.lowers or _is_no_absolute(one.claim, word):
            continue
        if not one.is_claim and word.lower not in PROMISES:
            continue
        yield from soft("D7", f"the claim says {word.text!r}, and the quotation does not")
        return


def _is_no_absolute(claim: Wording, word: Word) -> bool:
    """'Every month', 'above all', 'in all'."""
    following, before = claim.after(word), claim.before(word)
    if word.lower in {"every", "each", "all", "any"} and following.removesuffix("s") in COUNTED_PERIODS:
        return True
    if word.lower == "each" and following not in {"of", "and"}:  # of one like of all: 'each took an hour on average'
        return True
    if word.lower == "however":  # 'however much they use it'
        return following not in {"much", "many", "far", "long", "often", "big", "small", "large", "few", "little"}
    if before == "not":
        return True
    return word.lower == "all" and (_is_idle_before(claim, word) or following == "in")


def _is_idle_before(claim: Wording, word: Word) -> bool:
    """'Forty in all' and 'at all', but not 'in all depots'."""
    before = claim.before(word)
    return before in {"above", "at", "of", "not"} or (before == "in" and not claim.beside(word, 1)[1])


_ALL = frozenset("all every each whole entire any everywhere".split())
_ANY = _ALL | frozenset("both across full 100 no none entirely always throughout".split())
_ONE = frozenset("one a some most many half several few first single certain selected trial pilot part almost".split())
_HEAD, _NEAR, _FAR = 3, 3, 4


def widened(one: Statement) -> Iterator[Problem]:
    """'All depots' of 'one depot', though the quotation says 'all' of something else."""
    if not one.is_claim or one.claim.lowers & UNSURE:
        return
    for word in one.claim.words:
        if word.lower not in _ALL or _is_no_absolute(one.claim, word) or not (thing := _thing(one.claim, word)):
            continue
        same = [(quote, other) for quote in one.quotes for other in quote.words if other.keys & thing.keys]
        before = [[near.lower for near in quote.beside(other, _FAR)[0]] for quote, other in same]
        is_narrow = any(not _ONE.isdisjoint(near[:_NEAR]) for near in before)
        if is_narrow and all(_ANY.isdisjoint(near) for near in before):
            yield from soft("D7", f"the claim says {word.text!r} of {thing.text!r}, and the quotation does not")
            return


def _thing(claim: Wording, word: Word) -> Word | None:
    """What 'all' is said of: the first noun after it."""
    _, after = claim.beside(word, _HEAD + 1)
    return next((other for other in after if other.is_content and not other.text[:1].isupper()), None)


_PART = frozenset("of a one part".split())


def scope(one: Statement) -> Iterator[Problem]:
    """Some is not all; up to and on average are not exactly."""
    if not one.is_claim or one.claim.lowers & UNSURE:
        return
    for clause, quote in zip(one.clauses, one.quotes, strict=True):
        if told := _wider(one, clause, quote) or _limit_left_out(one, clause):
            yield from soft("D40", told)
            return


def _wider(one: Statement, clause: tuple[Word, ...], quote: Wording) -> str:
    """'Some' at the head of the clause, and a part that the claim takes for the whole."""
    if clause and clause[0].lower in SOME and not one.claim.lowers & (SOME | _PART):
        return f"the quotation says {clause[0].text!r}, and the claim leaves it out"
    wide = [word.text for word in one.claim.words if word.lower in WHOLE and not _is_no_absolute(one.claim, word)]
    text = _limiting(clause)
    part = next((part for part in PARTIAL_PHRASES if f" {part} " in text and not one.claim.has(part)), "")
    if wide and part and not quote.lowers & {word.lower() for word in wide}:
        return f"the quotation says {part!r}, and the claim says {wide[0]!r}"
    return ""


def _limiting(clause: tuple[Word, ...]) -> str:
    """The clause without what only looks like a limit."""
    return spaced(clause).replace(" for some reason ", " ")


def _limit_left_out(one: Statement, clause: tuple[Word, ...]) -> str:
    """'Up to' before a figure is for the rules on figures."""
    text = _limiting(clause)
    for phrase, kin in KEPT.items():
        place = text.find(f" {phrase} ")
        is_kept = one.claim.has(phrase) or one.claim.lowers & kin or (phrase == "up to" and quantities(one.text))
        if place >= 0 and not is_kept and _limits(one, text[place:], clause) and not _PRAISING.match(text, place):
            return f"the quotation says {phrase!r}, and the claim leaves it out"
    return ""


# 'Some of the world's largest' are large ones, and no part of a whole.
_PRAISING = re.compile(r" (?:some|many|one) of (?:our )?(?:the )?(?:\w+ ){0,2}(?:most|best|leading|top|\w{3,}est) ")
_LIMITED, _LONGEST_LIMIT = 6, 2


def _limits(one: Statement, rest: str, clause: tuple[Word, ...]) -> bool:
    """Whether the limit stands before a word of the claim."""
    at = len(clause) - len(rest.split())
    behind = clause[at:]
    is_last = len(behind) <= _LONGEST_LIMIT
    return one.is_about(clause[max(0, at - _LIMITED) : at] if is_last else behind[:_LIMITED])


_NOT_COMPARING = frozenset("other rather later earlier over under".split())
_WITH_BEFORE = frozenset("before today used now usual previously expected planned".split())
_COMPARING = frozenset("than compared versus vs ahead beats beat outperforms unlike instead x faster cheaper".split())
_SUPERLATIVES = frozenset(
    "fastest cheapest largest biggest easiest smallest highest lowest best strongest simplest newest oldest safest"
    " greatest".split()
)
_OWNERS = frozenset("the its their our a".split())
_AS_SUPERLATIVE = frozenset("most best leading top number one record".split())


def comparison(one: Statement) -> Iterator[Problem]:
    """A comparison and a superlative are the quotation's own."""
    if not one.is_claim or (one.kind == "inference" and hedges(one.claim)):
        return
    for word in one.claim.words:
        if word.lower == "than" and _compares(one.claim, word) and not _is_compared(one):
            yield from soft("D40", "the claim compares, and the quotation does not")
            return
        is_claimed = word.lower in _SUPERLATIVES and one.claim.before(word) in _OWNERS
        if is_claimed and not _has_superlative(one, word):
            yield from soft("D40", f"the claim says {word.text!r}, and the quotation does not")
            return


def _compares(claim: Wording, than: Word) -> bool:
    before = [word.lower for word in claim.words[max(0, than.at - 2) : than.at]]
    if not before or before[-1] in _NOT_COMPARING or is_comparing_figures(claim, than.at - 1):
        return False
    is_comparative = before[-1].endswith("er") or before[0] in {"more", "less"}
    return is_comparative and not {w.lower for w in claim.words[than.at + 1 : than.at + 4]} & _WITH_BEFORE


def _is_compared(one: Statement) -> bool:
    return any(quote.lowers & _COMPARING or ways(quote, quote.words) for quote in one.quotes)


def _has_superlative(one: Statement, word: Word) -> bool:
    plain = word.lower.removesuffix("est").removesuffix("i")
    said = {lower for quote in one.quotes for lower in quote.lowers}
    return bool(keys_of(plain) & one.keys or said & _AS_SUPERLATIVE or any(lower.endswith("est") for lower in said))
