"""Rules on negation: what one side denies and the other does not (D40)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support.denials import SUMMING, Denial, Denials, is_after_comma
from octave_mcp.evidence.support.lexicon import (
    CONDITIONS,
    COUNTED_PERIODS,
    EXCUSES,
    IDLE,
    NEGATIONS,
    ONLY,
    PASSIVE,
    PLAN_PHRASES,
    POSSIBLE,
    PROBLEM,
    SAID_OTHERWISE,
    TROUBLE,
    UNTIL_NOW,
)
from octave_mcp.evidence.support.statement import Statement, hard, soft
from octave_mcp.evidence.support.tables import is_crossed_out
from octave_mcp.evidence.support.wording import Word, Wording, is_among, joined, shares, stem

# The share of a claim's words from which it is the quotation's own sentence, but for a negation.
_OWN_SENTENCE = 0.75
# After 'not' they leave the claim's own sentence as it is.
_SET_ASIDE = frozenset("counting including least surprisingly necessarily else".split())
_NEAR = 8
_UN = re.compile(
    r"(?:un(?!der|til|it|iq|ion|iver|lock|veil|fold|box|load|pack)|dis(?!t|c|play|patch|k)|non)\w{4,}"
    r"|im(?:possible|practical)|in(?:accurate|correct|ability|complete|sufficient)|\w{3,}less$"
)


def negation(one: Statement) -> Iterator[Problem]:
    """Hard if the claim denies the quotation's own verb; else it may say the same in other words."""
    if not one.is_claim or (one.kind == "inference" and hedges(one.claim)):
        return
    claim, quotes = Denials(one.claim), [Denials(quote) for quote in one.quotes]
    for denial in claim.all:
        if (word := _denied_alone(one, denial, quotes)) and not is_crossed_out(one, denial.denied):
            told = f"the claim says {denial.word.text!r} about {word.text!r}, and the quotation does not"
            is_plain = _is_own_sentence(one, denial, word) and not any(quote.all for quote in quotes)
            yield from hard("D40", told) if is_plain else soft("D40", told)
            return
    for quote in quotes:
        found = ((denial.word, _denied_in_vain(one, claim, quote, denial)) for denial in quote.all)
        said, word = next((pair for pair in found if pair[1]), (None, None))
        if said and word and not any(_says_otherwise(word, other) for other in quotes if other is not quote):
            yield from soft("D40", f"the quotation says {said.text!r} about {word.text!r}, and the claim does not")
            return


def _says_otherwise(word: Word, other: Denials) -> bool:
    """Whether another quotation says it without a negation."""
    return not word.keys.isdisjoint(other.plain_keys)


def _denied_alone(one: Statement, denial: Denial, quotes: Sequence[Denials]) -> Word | None:
    """The word of the claim that only the claim denies; None if a quotation denies as much, or says it otherwise."""
    if one.claim.after(denial.word) in _SET_ASIDE or _is_correcting(one, denial):
        return None
    told = [word for word in denial.denied if not word.keys.isdisjoint(joined(q.text.keys for q in quotes))]
    told = [word for word in told if word in one.content]
    if possible := next((word for word in denial.denied if any(_can(quote.text, word) for quote in quotes)), None):
        return possible
    if not told or (len(one.claim.sentences) > 1 and _has_same(denial, quotes)):
        return None
    denied = joined(quote.keys for quote in quotes)
    stated = joined(quote.stated(one.content_keys) for quote in quotes)
    is_head_stated = (
        denial.word.lower not in SUMMING and told[0] is denial.denied[0] and not stated.isdisjoint(told[0].keys)
    )
    if not is_head_stated and any(not denied.isdisjoint(word.keys) for word in told):
        return None
    if any(_excuses_quote(quote.text, one.claim, denial.denied) for quote in quotes):
        return None
    return told[0]


_NOT_ALONE = ONLY | {"more", "also", "besides"}
_CONTRASTING = frozenset("used instead from rather than was were before down to".split())


def _is_correcting(one: Statement, denial: Denial) -> bool:
    """'A day, not a week as before' of 'a day; it used to be a week', and 'for nothing' of 'free'."""
    if denial.word.lower == "nothing" and one.claim.before(denial.word) in {"for", "costs", "cost"}:
        return bool(one.lowers & {"free", "charge", "gratis"})
    is_apposition = denial.word.lower == "not" and is_after_comma(one.claim, denial.word)
    return is_apposition and any(quote.lowers & _CONTRASTING for quote in one.quotes)


def _can(quote: Wording, word: Word) -> bool:
    """Whether the quotation says that one can do it."""
    own = stem(word.lower)
    return own in quote.stems and any(
        quote.before(other) == "can" for other in quote.words if other.is_content and stem(other.lower) == own
    )


def _has_same(denial: Denial, quotes: Sequence[Denials]) -> bool:
    """Whether a quotation denies the same word first."""
    heads = {stem(other.denied[0].lower) for quote in quotes for other in quote.all if other.denied}
    return stem(denial.denied[0].lower) in heads


def _denied_in_vain(one: Statement, claim: Denials, quote: Denials, denial: Denial) -> Word | None:
    """The word of the quotation that the claim states without the denial.

    'Nothing but' and 'nothing else' deny nothing.
    """
    if quote.text.after(denial.word) in {"but", "else"}:
        return None
    if quote.text.has("alone") and one.claim.lowers & _NOT_ALONE:
        return None
    if denial.word.lower not in NEGATIONS and stem(denial.word.lower) in one.claim.stems:
        return None
    told = [word for word in denial.denied if shares(word, one.content_keys) and not _is_with_no(one.claim, word)]
    told = [word for word in told if word.keys.isdisjoint(quote.plain_keys)]
    if not told or not _is_to_the_point(one, quote.text, denial, told):
        return None
    is_head_plain = told[0] is denial.denied[0] and claim.keys.isdisjoint(told[0].keys)
    if not is_head_plain and any(not claim.keys.isdisjoint(word.keys) for word in told):
        return None
    return None if _excuses_claim(one.claim, quote.text, denial.denied) else told[0]


def _is_with_no(claim: Wording, word: Word) -> bool:
    """'No problem' of 'without a problem'."""
    return word.lower in IDLE and claim.has(f"no {word.lower}")


def _is_to_the_point(one: Statement, quote: Wording, denial: Denial, told: Sequence[Word]) -> bool:
    """Whether it stands in the sentence that the claim is about, or denies two words of the claim."""
    best = max(quote.sentences, key=lambda words: sum(shares(w, one.content_keys) for w in words), default=())
    return denial.word in best or len(told) > 1


def _excuses(text: Wording, other: Wording, denied: Sequence[Word]) -> bool:
    """Whether a text says no in other words: 'dropped', 'unusable', 'have to wait'; what both say is no excuse.

    It says so of what is denied, not elsewhere.
    """
    own = [word for word in text.words if stem(word.lower) not in other.stems]
    keys = joined(word.keys for word in denied)
    places = [word.at for word in text.words if shares(word, keys)]
    if any(_says_no(text, word) and _is_at(text, word, places) for word in own):
        return True
    if any(stem(word.lower) in text.stems for word in denied[:1]):
        return False
    return any(
        any(is_among(word, these) for word in denied) and any(is_among(word, those) for word in own)
        for these, those in SAID_OTHERWISE
    )


def _says_no(text: Wording, word: Word) -> bool:
    """'A month later' says when, and 'beyond the tier' where."""
    if word.lower == "beyond":
        return text.before(word) in PASSIVE
    if word.lower == "later" and is_among(text.words[max(0, word.at - 1)], COUNTED_PERIODS):
        return False
    return word.lower in EXCUSES or word.lower in _GIVEN_UP or bool(_UN.match(word.lower))


_GIVEN_UP = frozenset("sold gone ended".split())


def _is_at(text: Wording, word: Word, places: Sequence[int]) -> bool:
    """Whether it stands near one of these places; what avoids something stands before it.

    'Symptom-free' and 'accounts are free' are said of what stands before them.
    """
    before, after = text.beside(word, _NEAR)
    is_joined = text.text.startswith("-", word.start - 1)
    is_one_way = word.lower in _BEFORE_ONLY and not is_joined and text.before(word) not in PASSIVE
    near = {other.at for other in (word, *after, *(() if is_one_way else before))}
    return not places or not near.isdisjoint(places)


_BEFORE_ONLY = frozenset("avoid avoids avoided avoiding prevent prevents prevented free without".split())


def _excuses_claim(claim: Wording, quote: Wording, denied: Sequence[Word]) -> bool:
    """Whether a claim without a negation says what the quotation denies: 'only if', 'had trouble', 'kept from'."""
    if _excuses(claim, quote, denied) or (claim.lowers & ONLY and quote.lowers & CONDITIONS):
        return True
    return bool((claim.lowers - quote.lowers) & TROUBLE) or ("from" in claim.lowers and "keep" in claim.stems)


def _excuses_quote(quote: Wording, claim: Wording, denied: Sequence[Word]) -> bool:
    """Whether a quotation without a negation says what the claim denies: 'not yet' is a plan."""
    is_plan = bool(claim.lowers & UNTIL_NOW) and (hedges(quote) or quote.has("yet to"))
    is_condition = bool(claim.lowers & {"until", "unless"} and quote.lowers & ONLY)
    return is_plan or is_condition or _excuses(quote, claim, denied)


def _is_own_sentence(one: Statement, denial: Denial, word: Word) -> bool:
    is_plain = one.kind == "fact" and not one.claim.lowers & PROBLEM
    is_head = denial.word.lower in {"not", "never"} and word is denial.denied[0]
    return is_plain and is_head and one.share_said >= _OWN_SENTENCE


def hedges(claim: Wording) -> bool:
    """Whether it leaves open whether it is so."""
    return bool(claim.lowers & POSSIBLE) or any(claim.has(phrase) for phrase in PLAN_PHRASES)
