"""A rule on negation: the claim and the quotation must deny the same things (D40)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support.denials import BACKWARD_NEGATIONS, Denial, Denials, is_after_comma
from octave_mcp.evidence.support.lexicon import (
    CLAIM_HEDGES,
    CONDITIONS,
    COUNTED_PERIODS,
    IDLE_AFTER_NO,
    IMPLICIT_DENIALS,
    NEGATIONS,
    ONLY_WORDS,
    OPPOSITE_PARAPHRASES,
    PASSIVE_AUXILIARIES,
    PLAN_PHRASES,
    PROBLEM_WORDS,
    TROUBLE_WORDS,
    UNTIL_NOW,
)
from octave_mcp.evidence.support.statement import Statement, hard, soft
from octave_mcp.evidence.support.tables import is_crossed_out
from octave_mcp.evidence.support.wording import Word, Wording, is_among, joined, shares, stem

# If the quotation contains at least this share of the claim's words, the claim can be the quoted sentence plus a
# negation.
_MIN_SAME_SENTENCE_SHARE = 0.75
# Before one of these words, "not" does not deny the sentence: "not counting holidays", "not least".
_IGNORED_AFTER_NOT = frozenset("counting including least surprisingly necessarily else".split())
_REACH = 8
# Matches "unreliable", "dissatisfied" and "painless", but not "under", "unit" or "discover".
_NEGATIVE_FORM = re.compile(
    r"(?:un(?!der|til|it|iq|ion|iver|lock|veil|fold|box|load|pack)|dis(?!t|c|play|patch|k)|non)\w{4,}"
    r"|im(?:possible|practical)|in(?:accurate|correct|ability|complete|sufficient)|\w{3,}less$"
)


def one_sided_denial(statement: Statement) -> Iterator[Problem]:
    """Flag a denial that is only in the claim or only in the quotation.

    If the claim is a sentence of the quotation plus a negation, the claim is rejected. Any other denial is only
    flagged, because the claim can say the same as the quotation in other words.
    """
    if not statement.is_claim or (statement.kind == "inference" and hedges(statement.claim)):
        return
    claim, quotes = Denials(statement.claim), [Denials(quote) for quote in statement.quotes]
    for denial in claim.all:
        if (word := _denied_only_in_claim(statement, denial, quotes)) and not is_crossed_out(statement, denial.denied):
            complaint = f"the claim says {denial.word.text!r} about {word.text!r}, and the quotation does not"
            is_plain = _negates_same_sentence(statement, denial, word) and not any(quote.all for quote in quotes)
            yield from hard("D40", complaint) if is_plain else soft("D40", complaint)
            return
    for quote in quotes:
        unmatched = ((denial.word, _denied_only_in_quote(statement, claim, quote, denial)) for denial in quote.all)
        negation_word, word = next((pair for pair in unmatched if pair[1]), (None, None))
        if negation_word and word and not any(_is_affirmed(word, other) for other in quotes if other is not quote):
            yield from soft(
                "D40", f"the quotation says {negation_word.text!r} about {word.text!r}, and the claim does not"
            )
            return


def _is_affirmed(word: Word, other: Denials) -> bool:
    return not word.keys.isdisjoint(other.undenied_keys)


def _denied_only_in_claim(statement: Statement, denial: Denial, quotes: Sequence[Denials]) -> Word | None:
    """Return a word that the claim denies and no quotation denies, or None."""
    if statement.claim.after(denial.word) in _IGNORED_AFTER_NOT or _is_correcting(statement, denial):
        return None
    shared = [word for word in denial.denied if not word.keys.isdisjoint(joined(q.text.keys for q in quotes))]
    shared = [word for word in shared if word in statement.content]
    if possible := next((word for word in denial.denied if any(_says_can(quote.text, word) for quote in quotes)), None):
        return possible
    if not shared or (len(statement.claim.sentences) > 1 and _has_same_denial(denial, quotes)):
        return None
    denied = joined(quote.keys for quote in quotes)
    stated_keys = joined(quote.stated_keys(statement.content_keys) for quote in quotes)
    is_head_stated = (
        denial.word.lower not in BACKWARD_NEGATIONS
        and shared[0] is denial.denied[0]
        and not stated_keys.isdisjoint(shared[0].keys)
    )
    if not is_head_stated and any(not denied.isdisjoint(word.keys) for word in shared):
        return None
    if any(_quote_denies_implicitly(quote.text, statement.claim, denial.denied) for quote in quotes):
        return None
    return shared[0]


_NOT_ALONE = ONLY_WORDS | {"more", "also", "besides"}
_CONTRASTING = frozenset("used instead from rather than was were before down to".split())


def _is_correcting(statement: Statement, denial: Denial) -> bool:
    """Whether the denial follows from the quotation: "instead of 8" implies "not eight"."""
    if denial.word.lower == "nothing" and statement.claim.before(denial.word) in {"for", "costs", "cost"}:
        return bool(statement.lowers & {"free", "charge", "gratis"})
    is_apposition = denial.word.lower == "not" and is_after_comma(statement.claim, denial.word)
    return is_apposition and any(quote.lowers & _CONTRASTING for quote in statement.quotes)


def _says_can(quote: Wording, word: Word) -> bool:
    word_stem = stem(word.lower)
    return word_stem in quote.stems and any(
        quote.before(other) == "can" for other in quote.words if other.is_content and stem(other.lower) == word_stem
    )


def _has_same_denial(denial: Denial, quotes: Sequence[Denials]) -> bool:
    """Whether a quotation denies the same word as the claim. Only the nearest word of each denial is compared."""
    heads = {stem(other.denied[0].lower) for quote in quotes for other in quote.all if other.denied}
    return stem(denial.denied[0].lower) in heads


def _denied_only_in_quote(statement: Statement, claim: Denials, quote: Denials, denial: Denial) -> Word | None:
    """Return a word that the quotation denies and the claim does not, or None.

    "Nothing but" and "nothing else" are not denials.
    """
    if quote.text.after(denial.word) in {"but", "else"}:
        return None
    if quote.text.has("alone") and statement.claim.lowers & _NOT_ALONE:
        return None
    if denial.word.lower not in NEGATIONS and stem(denial.word.lower) in statement.claim.stems:
        return None
    shared = [
        word
        for word in denial.denied
        if shares(word, statement.content_keys) and not _follows_no(statement.claim, word)
    ]
    shared = [word for word in shared if word.keys.isdisjoint(quote.undenied_keys)]
    if not shared or not _is_relevant(statement, quote.text, denial, shared):
        return None
    is_head_plain = shared[0] is denial.denied[0] and claim.keys.isdisjoint(shared[0].keys)
    if not is_head_plain and any(not claim.keys.isdisjoint(word.keys) for word in shared):
        return None
    return None if _claim_denies_implicitly(statement.claim, quote.text, denial.denied) else shared[0]


def _follows_no(claim: Wording, word: Word) -> bool:
    """Whether this word follows "no" in the claim, in a phrase that denies nothing, such as "no problem"."""
    return word.lower in IDLE_AFTER_NO and claim.has(f"no {word.lower}")


def _is_relevant(statement: Statement, quote: Wording, denial: Denial, shared: Sequence[Word]) -> bool:
    """Whether the denial is in the sentence most similar to the claim, or denies at least two of the claim's words."""
    best = max(quote.sentences, key=lambda words: sum(shares(w, statement.content_keys) for w in words), default=())
    return denial.word in best or len(shared) > 1


def _denies_implicitly(text: Wording, other: Wording, denied: Sequence[Word]) -> bool:
    """Whether the text denies the words without a negation, as "dropped", "unusable" and "have to wait" do.

    A denying word, such as "dropped", must be near a denied word, and must not also be in `other`.
    """
    unshared = [word for word in text.words if stem(word.lower) not in other.stems]
    keys = joined(word.keys for word in denied)
    places = [word.at for word in text.words if shares(word, keys)]
    if any(_is_implicit_denial(text, word) and _is_near(text, word, places) for word in unshared):
        return True
    if any(stem(word.lower) in text.stems for word in denied[:1]):
        return False
    return any(
        any(is_among(word, these) for word in denied) and any(is_among(word, those) for word in unshared)
        for these, those in OPPOSITE_PARAPHRASES
    )


def _is_implicit_denial(text: Wording, word: Word) -> bool:
    """Whether a word such as "dropped" or "later" denies something. In "a month later", "later" denies nothing."""
    if word.lower == "beyond":
        return text.before(word) in PASSIVE_AUXILIARIES
    if word.lower == "later" and is_among(text.words[max(0, word.at - 1)], COUNTED_PERIODS):
        return False
    return word.lower in IMPLICIT_DENIALS or word.lower in _ENDED_WORDS or bool(_NEGATIVE_FORM.match(word.lower))


_ENDED_WORDS = frozenset("sold gone ended".split())


def _is_near(text: Wording, word: Word, places: Sequence[int]) -> bool:
    """Whether `word` is near a word whose index is in `places`. Always true if `places` is empty.

    "Avoids" and "free" deny only the words after them, as in "free of faults". However, "free" also denies the words
    before it in "symptom-free" and "accounts are free".
    """
    before, after = text.neighbours(word, _REACH)
    is_joined = text.text.startswith("-", word.start - 1)
    is_one_way = word.lower in _FORWARD_ONLY and not is_joined and text.before(word) not in PASSIVE_AUXILIARIES
    near = {other.at for other in (word, *after, *(() if is_one_way else before))}
    return not places or not near.isdisjoint(places)


_FORWARD_ONLY = frozenset("avoid avoids avoided avoiding prevent prevents prevented free without".split())


def _claim_denies_implicitly(claim: Wording, quote: Wording, denied: Sequence[Word]) -> bool:
    """Whether the claim expresses the quotation's denial in other words, such as "only if" or "had trouble"."""
    if _denies_implicitly(claim, quote, denied) or (claim.lowers & ONLY_WORDS and quote.lowers & CONDITIONS):
        return True
    return bool((claim.lowers - quote.lowers) & TROUBLE_WORDS) or ("from" in claim.lowers and "keep" in claim.stems)


def _quote_denies_implicitly(quote: Wording, claim: Wording, denied: Sequence[Word]) -> bool:
    """Whether the quotation expresses the claim's denial in other words: "plans to" agrees with "not yet"."""
    is_plan = bool(claim.lowers & UNTIL_NOW) and (hedges(quote) or quote.has("yet to"))
    is_condition = bool(claim.lowers & {"until", "unless"} and quote.lowers & ONLY_WORDS)
    return is_plan or is_condition or _denies_implicitly(quote, claim, denied)


def _negates_same_sentence(statement: Statement, denial: Denial, word: Word) -> bool:
    is_plain = statement.kind == "fact" and not statement.claim.lowers & PROBLEM_WORDS
    is_head = denial.word.lower in {"not", "never"} and word is denial.denied[0]
    return is_plain and is_head and statement.share_quoted >= _MIN_SAME_SENTENCE_SHARE


def hedges(claim: Wording) -> bool:
    """Whether the claim contains a hedge such as "may" or "likely"."""
    return bool(claim.lowers & CLAIM_HEDGES) or any(claim.has(phrase) for phrase in PLAN_PHRASES)
