"""Rules on negation: what one side denies and the other does not (D40)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support.kin import NEGATIVE_VERBS
from octave_mcp.evidence.support.lexicon import (
    AVAILABLE,
    CONDITIONS,
    COUNTED_PERIODS,
    DENIAL_PHRASES,
    DENIALS,
    DENIALS_TO,
    EXCUSES,
    IDLE,
    NEGATIONS,
    NOT_ONLY,
    ONLY,
    PASSIVE,
    PLAN_PHRASES,
    POSSIBLE,
    PROBLEM,
    SAID_OTHERWISE,
    SCOPE_ENDS,
    TROUBLE,
    UNTIL_NOW,
    WHOLE,
)
from octave_mcp.evidence.support.statement import Statement, hard, soft
from octave_mcp.evidence.support.wording import Word, Wording, is_among, joined, shares, stem

_OWN_SENTENCE = 0.75
"""The share of a claim's words from which it is the quotation's own sentence, but for a negation."""
_REACH, _DENIAL_REACH, _CONTRAST_REACH, _OBJECT_REACH = 8, 5, 7, 4
_SUMMING = frozenset("neither none nothing nobody".split())
"""They also deny what stands before them."""
_FOLLOWING = frozenset({"not", "never"})
_TAKING_BACK = _FOLLOWING | {"no"}
"""'Moves no stop' is 'does not move a stop'."""
_ADVERBS = frozenset("yet ever really actually currently longer quite necessarily".split())
"""They go with a negation, and are nothing that is denied."""
_SET_ASIDE = frozenset("counting including least surprisingly necessarily else".split())
"""After 'not' they leave the claim's own sentence as it is."""
_UN = re.compile(
    r"(?:un(?!der|til|it|iq|ion|iver|lock|veil|fold|box|load|pack)|dis(?!t|c|play|patch|k)|non)\w{4,}"
    r"|im(?:possible|practical)|in(?:accurate|correct|ability|complete|sufficient)|\w{3,}less$"
)


class Denial(NamedTuple):
    """A word or phrase that denies, and the words of meaning that it denies, the nearest first."""

    word: Word
    denied: tuple[Word, ...]


@dataclass(frozen=True)
class Denials:
    """What a text denies."""

    text: Wording

    @cached_property
    def all(self) -> tuple[Denial, ...]:
        return tuple(found for word in self.text.words if (found := _denial(self.text, word)))

    @cached_property
    def keys(self) -> frozenset[str]:
        """Of what is denied, and of what stands before a negation in its clause: its subject may be meant."""
        return joined(
            word.keys
            for denial in self.all
            for word in (*denial.denied, *_before(self.text, denial.word, _TAKING_BACK))
            if word.is_content
        )

    def stated(self, wanted: frozenset[str]) -> frozenset[str]:
        """The keys of what the sentences that have most of these keys say, and do not deny anywhere."""
        scores = [sum(shares(word, wanted) for word in words) for words in self.text.sentences]
        best = max(scores, default=0)
        places = [words for words, score in zip(self.text.sentences, scores, strict=True) if score == best]
        reached = {
            word.at for denial in self.all for word in (*denial.denied, *_before(self.text, denial.word, _TAKING_BACK))
        }
        words = [word for words in places for word in words if word.is_content]
        denied = joined(word.keys for word in words if word.at in reached)
        return joined(word.keys for word in words if word.at not in reached) - denied

    @cached_property
    def plain_keys(self) -> frozenset[str]:
        """Of what no negation reaches."""
        reached = {word.at for denial in self.all for word in denial.denied}
        return joined(word.keys for word in self.text.words if word.is_content and word.at not in reached)


def negation(one: Statement) -> Iterator[Problem]:
    """Hard if the claim denies the quotation's own verb; else it may say the same in other words."""
    if not one.is_claim or (one.kind == "inference" and hedges(one.claim)):
        return
    claim, quotes = Denials(one.claim), [Denials(quote) for quote in one.quotes]
    for denial in claim.all:
        if word := _denied_alone(one, denial, quotes):
            told = f"the claim denies {word.text!r}, and the quotation does not"
            yield from hard("D40", told) if _is_own_sentence(one, denial, word) else soft("D40", told)
            return
    for quote in quotes:
        word = next((word for denial in quote.all if (word := _denied_in_vain(one, claim, quote, denial))), None)
        if word and not any(_says_otherwise(word, other) for other in quotes if other is not quote):
            yield from soft("D40", f"the quotation denies {word.text!r}, and the claim does not")
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
        denial.word.lower not in _SUMMING and told[0] is denial.denied[0] and not stated.isdisjoint(told[0].keys)
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
    is_apposition = denial.word.lower == "not" and _is_after_comma(one.claim, denial.word)
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
    """The word of the quotation that the claim states without the denial. 'Nothing but' denies nothing."""
    if quote.text.after(denial.word) == "but" or (quote.text.has("alone") and one.claim.lowers & _NOT_ALONE):
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


def _denial(text: Wording, word: Word) -> Denial | None:
    """What this word denies in its clause, if it denies any."""
    rest = text.words[word.at + 1 :]
    following = rest[0].lower if rest else ""
    if word.lower in NEGATIONS:
        if (
            following in NOT_ONLY
            or text.before(word) in {"if", "or"}
            or _is_idle(text, word, following)
            or _is_undone(text, rest[:2])
        ):
            return None
        reach = _until_scope_ends(text, rest[:_REACH])
        if _is_after_comma(text, word):  # 'three weeks, not eight, for all of them'
            reach = _until_comma(text, reach)
        if _is_cancelled(text, word):
            return None
        if word.lower in _SUMMING:
            reach = (*reach, *reversed(text.words[: word.at]))
    elif _denies(text, word) and not {w.lower for w in text.words[max(0, word.at - 2) : word.at]} & NEGATIONS:
        is_contrast = following in {"than", "of"}
        reach = _until_scope_ends(text, rest[:_CONTRAST_REACH] if is_contrast else rest[:_DENIAL_REACH])
        reach = _until_comma(text, reach) if is_contrast else reach
    else:
        return None
    if following in AVAILABLE and word.lower == "not":
        reach = (*reach, *reversed(_before(text, word)))
    return Denial(word, tuple(other for other in reach if _is_deniable(other) and other.clause == word.clause))


def _is_deniable(word: Word) -> bool:
    return word.is_content and word.lower not in _ADVERBS


_TWICE = 6


def _is_cancelled(text: Wording, word: Word) -> bool:
    """'Never goes without a map' and 'impossible without a map' deny nothing: each has two negations."""
    before, after = text.beside(word, _TWICE)
    if word.lower in _WITHOUT:
        return any(other.lower in NEGATIONS or other.lower in _CANNOT for other in before)
    return any(other.lower in _WITHOUT for other in after)


_WITHOUT = frozenset({"without"})
_CANNOT = frozenset("impossible unthinkable unable fails fail".split())


def _denies(text: Wording, word: Word) -> bool:
    """'Lacks a screen', 'failed to deliver', 'ruled out a screen'."""
    following = text.after(word)
    if word.lower in DENIALS or (word.lower in DENIALS_TO and following == "to"):
        return True
    return f"{word.lower} {following}" in DENIAL_PHRASES


def _is_undone(text: Wording, following: Sequence[Word]) -> bool:
    """'Not ruled out' denies nothing."""
    return any(_denies(text, word) for word in following)


def _is_idle(text: Wording, word: Word, following: str) -> bool:
    """'No later than', 'no matter', 'at no charge'."""
    if word.lower != "no":
        return False
    if following == "better" and text.after(text.words[word.at + 1]) == "than":
        return False
    return following in IDLE or (following == "longer" and text.after(text.words[word.at + 1]) == "than")


def _until_scope_ends(text: Wording, words: Sequence[Word]) -> Sequence[Word]:
    """'Does not ship and struggles to sell' are two denials; 'with no names, is kept' denies no keeping."""
    ends = (at for at, word in enumerate(words) if at and (word.lower in SCOPE_ENDS or _is_new_verb(text, word)))
    end = next(ends, len(words))
    verb = next((at for at, word in enumerate(words) if at > 1 and word.lower in DENIALS_TO), len(words))
    if verb < len(words) and words[verb - 1].lower == "and":
        end = min(end, verb)
    return words[:end]


def _until_comma(text: Wording, words: Sequence[Word]) -> Sequence[Word]:
    return words[: next((at for at, other in enumerate(words) if at and _is_after_comma(text, other)), None)]


def _is_new_verb(text: Wording, word: Word) -> bool:
    """Whether it is the verb of what stands before the negation's own part, or starts anew, after a comma."""
    return word.lower in _AUXILIARY and _is_after_comma(text, word)


_ELLIPSIS = 10


def _ends_sentence(text: Wording, word: Word) -> bool:
    return text.text[word.start + len(word.text) :].lstrip()[:1] in {".", "!", ""}


def _is_after_comma(text: Wording, word: Word) -> bool:
    return text.text[: word.start].rstrip().endswith(",")


_AUXILIARY = PASSIVE | frozenset("has have had can will i you we they he she it".split())


def _before(text: Wording, word: Word, denying: frozenset[str] = _FOLLOWING) -> Sequence[Word]:
    """What may be denied though it stands before the negation: 'the screen is not available'."""
    if word.lower not in denying:
        return ()
    if _ends_sentence(text, word):
        return text.words[max(0, word.at - _ELLIPSIS) : word.at]  # 'Others charge for it. We do not.'
    reach = _OBJECT_REACH if word.lower == "no" else _REACH
    near = text.words[max(0, word.at - reach) : word.at]
    after_comma = text.text.rfind(",", 0, word.start)
    if word.lower == "no":
        after_comma = max(after_comma, *(other.start for other in near if other.lower == "and"), 0)
    return [other for other in near if other.clause == word.clause and other.start > after_comma]


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
    """Whether it stands near one of these places; what avoids something stands before it."""
    before, after = text.beside(word, _REACH)
    is_one_way = word.lower in _BEFORE_ONLY and not text.text.startswith("-", word.start - 1)  # not 'symptom-free'
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


def negative_verbs(one: Statement) -> Iterator[Problem]:
    """'Dropped', 'refuses' and 'regrets' need a word of their kind in the quotation."""
    if one.kind != "fact" or not one.evidence:
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
