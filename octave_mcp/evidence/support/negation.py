"""Rules on negation: what one side denies and the other does not (D40)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support.lexicon import (
    BACKWARD,
    DENIAL_PHRASES,
    DENIALS,
    DENIES,
    IDLE,
    NEGATIONS,
    NEGATIVE_VERBS,
    NOT_ONLY,
    PLAN_PHRASES,
    POSSIBLE,
    PROBLEM,
    SCOPE_ENDS,
    WHOLE,
)
from octave_mcp.evidence.support.statement import Statement, hard, soft
from octave_mcp.evidence.support.wording import Word, Wording, joined, shares

_OWN_SENTENCE = 0.75
"""The share of a claim's words from which it is the quotation's own sentence, but for a negation."""
_REACH = 8
_UN = re.compile(
    r"(?:un(?!der|til|it|iq|ion|iver|lock|veil|fold|box|load|pack)|dis(?!t|c|play|patch|k)|non)\w{4,}"
    r"|im(?:possible|practical)|in(?:accurate|correct|ability|complete|sufficient)|\w+less$"
)

Denied = Mapping[Word, bool]
"""The words of meaning, each with whether it is denied."""


def negation(one: Statement) -> Iterator[Problem]:
    """Hard if the claim denies the quotation's own verb; else it may say the same in other words."""
    if not one.is_claim or (one.kind == "inference" and hedges(one.claim)):
        return
    claimed = denied(one.claim, one.claim.words)
    for quote, clause in zip(one.quotes, one.clauses, strict=True):
        said = denied(quote, quote.sentence_of(clause))
        if word := _denied_by_one(one, claimed, quote, said):
            ours = claimed[word]
            told = f"the {'claim' if ours else 'quotation'} denies {word.text!r}, and the {'quotation' if ours else 'claim'} does not"
            yield from hard("D40", told) if ours and _is_own_sentence(one, word) else soft("D40", told)
            return


def _denied_by_one(one: Statement, claimed: Denied, quote: Wording, said: Denied) -> Word | None:
    """The first word that both have and one of them denies, unless the other denies it in another way."""
    both = [word for word in one.content if any(shares(word, other.keys) for other in said)]
    ours = {word for word in both if claimed.get(word)}
    theirs = {word for word in both if _is_denied(word, said)}
    if ours & theirs or ours == theirs:
        return None
    if any(is_denied and other.keys & word.keys for word in ours for other, is_denied in denied(quote, quote.words).items()):
        return None
    if (ours and says_no(quote)) or (theirs and says_no(one.claim)):
        return None
    return min(ours or theirs, key=lambda word: word.at)


def _is_denied(word: Word, said: Denied) -> bool:
    return all(is_denied for other, is_denied in said.items() if not other.keys.isdisjoint(word.keys))


def denied(text: Wording, words: Sequence[Word]) -> Denied:
    found = {word: False for word in words if word.is_content}
    for at, word in enumerate(words):
        for other in _reach(text, words, at):
            if other in found and other.clause == word.clause:
                found[other] = True
    return found


def _reach(text: Wording, words: Sequence[Word], at: int) -> Sequence[Word]:
    """The words that the word at this place denies, if it denies any."""
    word, rest = words[at], words[at + 1 :]
    following = rest[0].lower if rest else ""
    if word.lower in NEGATIONS:
        if following in NOT_ONLY or (word.lower == "no" and following in IDLE):
            return ()
        after = _until_scope_ends(rest[:_REACH])
        return (*words[max(0, at - _REACH) : at], *after) if word.lower in BACKWARD else after
    if word.lower in DENIALS:
        return _until_scope_ends(rest[:5])
    if f"{word.lower} {following}" in DENIAL_PHRASES:
        return _until_scope_ends(rest[1:6])
    return ()


def _until_scope_ends(words: Sequence[Word]) -> Sequence[Word]:
    end = next((at for at, word in enumerate(words) if at and word.lower in SCOPE_ENDS), len(words))
    return words[:end]


def says_no(text: Wording) -> bool:
    """In other words than 'not': 'dropped', 'unusable', 'have to wait'."""
    return bool(text.lowers & DENIES) or any(_UN.match(word) for word in text.lowers)


def _is_own_sentence(one: Statement, word: Word) -> bool:
    is_plain = one.kind == "fact" and not one.claim.lowers & PROBLEM
    return is_plain and one.share_said >= _OWN_SENTENCE and _is_next_denied(one.claim, word)


def _is_next_denied(claim: Wording, word: Word) -> bool:
    """Whether it is the first word of meaning after 'not' or 'never'."""
    before = claim.words[max(0, word.at - 3) : word.at]
    nots = [other.at for other in before if other.lower in NEGATIONS]
    is_not = any(other.lower in {"not", "never"} for other in before)
    return is_not and not any(other.is_content and other.at > nots[-1] for other in before)


def negative_verbs(one: Statement) -> Iterator[Problem]:
    """'Dropped', 'refuses' and 'lost' need a word of their kind in the quotation."""
    if not one.is_claim or one.kind == "inference":
        return
    for word in one.claim.words:
        kin = NEGATIVE_VERBS.get(word.lower)
        if kin and not kin & one.lowers and not one.lowers & NEGATIONS:
            yield from soft("D40", f"the claim says {word.text!r}, and the quotation does not")
            return


def not_all(one: Statement) -> Iterator[Problem]:
    """'Always' and 'all' of 'not always' and 'not all'."""
    if not one.is_claim:
        return
    for word in one.claim.words:
        if word.lower not in WHOLE or one.claim.before(word) in NEGATIONS:
            continue
        there = [(quote, other) for quote in one.quotes for other in quote.words if other.lower == word.lower]
        if there and all(quote.before(other) in NEGATIONS for quote, other in there):
            yield from soft("D40", f"the quotation says 'not {word.lower}', and the claim {word.text!r}")
            return


def hedges(claim: Wording) -> bool:
    """Whether it leaves open whether it is so."""
    return bool(claim.lowers & POSSIBLE) or any(claim.has(phrase) for phrase in PLAN_PHRASES)
