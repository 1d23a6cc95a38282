"""Rules on claims that state a plan or a guess as a fact, or the past as the present (D40)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support.lexicon import (
    NEGATIONS,
    PAST_PHRASES,
    PLAN_PHRASES,
    PLAN_WORDS,
    PLANS,
    QUOTE_HEDGES,
    READER_PRONOUNS,
)
from octave_mcp.evidence.support.negation import hedges
from octave_mcp.evidence.support.statement import Statement, is_asked, soft
from octave_mcp.evidence.support.wording import Word, Wording, is_among, joined, shares, spaced, stem

_HIRING_PHRASES = frozenset(("looking for", "are hiring", "is hiring", "is open", "are open", "position is open"))
_HIRING_WORDS = frozenset(
    "hiring recruiting seeking open vacancy opening advertises advertising looking wants role roles find search"
    " searching need needs".split()
)
_POSTPONED = frozenset("off postponed postpones later wait waits".split())
_BUILDING_WORDS = frozenset("working building developing".split())
# If the quotation contains one of these words, the claim can use another form of the word: "wanted" for "wants to".
_WISH_WORDS = frozenset(
    "need needs want wants wanted wishes wished evaluating exploring experimenting looking hoping".split()
)
# The claim is compared with up to eight words after a hedge or "will", and with up to twelve words after another word
# for a plan.
_HEDGE_REACH, _PLAN_REACH = 8, 12


def omitted_hedge(statement: Statement) -> Iterator[Problem]:
    """Flag a claim that states a plan, hope or possibility as a fact: "built" for "plans to build"."""
    if not statement.is_claim or _is_hedged(statement.claim):
        return
    for quote, clause in zip(statement.quotes, statement.clauses, strict=True):
        words = quote.sentence_of(clause)
        if words and is_asked(words, quote):
            continue
        if hedge := _plan_phrase(statement, words) or _hedge_word(statement, words) or _ability(statement, words):
            yield from soft("D40", f"the quotation says {hedge!r}, and the claim states it as a fact")
            return


def _is_hedged(claim: Wording) -> bool:
    ignored = {"started"} if "getting" in claim.lowers or claim.has("get started") else set[str]()
    planned = PLAN_WORDS - ignored
    return hedges(claim) or any(word.lower in planned or is_among(word, PLANS) for word in claim.words)


_BEFORE_WE_DID = re.compile(r" before we \w+ed ")


def _plan_phrase(statement: Statement, words: Sequence[Word]) -> str:
    text = spaced(words)
    phrase = next((phrase for phrase in PLAN_PHRASES if f" {phrase} " in text), "")
    if (phrase and _is_about_something_else(statement, words, phrase)) or (phrase == "is to" and " it is to " in text):
        return ""
    if phrase == "before we" and (
        statement.claim.lowers & {"before", "until"}
        or " before we had " in text
        or " before we were " in text
        or _BEFORE_WE_DID.search(text)
    ):
        return ""
    if phrase == "have to wait" and statement.claim.lowers & (NEGATIONS | _POSTPONED):
        return ""
    is_kept = (phrase in _HIRING_PHRASES and statement.claim.lowers & _HIRING_WORDS) or (
        phrase == "working on" and statement.claim.lowers & _BUILDING_WORDS
    )
    is_told = any(stem(word) in statement.claim.stems for word in phrase.split() if word in _WISH_WORDS)
    return "" if is_kept or is_told or statement.claim.has(phrase) else phrase


def _hedge_word(statement: Statement, words: Sequence[Word]) -> str:
    """Return a word of the quotation that hedges what the claim states as a fact. Return "" if there is none."""
    for at, word in enumerate(words):
        following = words[at + 1].lower if at + 1 < len(words) else ""
        is_hedge = (word.lower in QUOTE_HEDGES or is_among(word, PLANS)) and following != "not"
        is_plan = word.lower != "will" and is_among(word, PLANS)
        behind = words[at + 1 : at + 1 + (_PLAN_REACH if is_plan else _HEDGE_REACH)]
        if _hedges_nothing(words, at) or (word.lower == "may" and _is_allowed(statement.claim)):
            continue
        if (
            is_hedge
            and word.keys.isdisjoint(statement.content_keys)
            and any(shares(w, statement.content_keys) for w in behind)
        ):
            return word.text
    return ""


def _ability(statement: Statement, words: Sequence[Word]) -> str:
    """Return "can" if the claim says that something happened and the quotation only says that it can happen."""
    done = joined(word.keys for word in statement.claim.words if word.lower.endswith("ed") and word.is_content)
    for at, word in enumerate(words):
        if word.lower == "can" and any(shares(other, done) for other in words[at + 1 : at + 3]):
            return word.text
    return ""


# A claim with one of these words can state a permission: "are allowed to use" is correct if the quotation says "may
# use".
_PERMISSIONS = frozenset("allowed permitted able lets".split())


def _is_allowed(claim: Wording) -> bool:
    return bool(claim.lowers & _PERMISSIONS) or claim.has("free to")


_ARTICLES = frozenset("the a an its our their any".split())
_FUTURE_WORDS = frozenset(
    "soon next later eventually future coming upcoming tomorrow plan plans planning roadmap year quarter month week"
    " january february march april may june july august september october november december spring summer autumn fall"
    " winter".split()
)


def _hedges_nothing(words: Sequence[Word], at: int) -> bool:
    """Whether a word such as "would" does not express uncertainty in this sentence.

    For example, "would" states a purpose in "so that teams would save time", and "will" states a rule in "if a delivery
    is late, you will get $50".
    """
    word, before = words[at].lower, [other.lower for other in words[:at]]
    if word == "planned" and before and before[-1] in _ARTICLES:
        return True
    if word in {"would", "could", "might"} and "so" in before and "that" in before:
        return before.index("so") + 1 == before.index("that")
    if "than" in before[-2:]:
        return True
    sentence_words = {other.lower for other in words}
    is_promise = bool(sentence_words & READER_PRONOUNS) and sentence_words.isdisjoint(_FUTURE_WORDS)
    is_rule = is_promise or "always" in sentence_words or before[:1] in (["if"], ["when"], ["whenever"])
    return word in {"will", "should"} and is_rule


_WISHES = frozenset(("want to", "wants to", "wanted to", "we need to", "they need to", "needs to", "looking to"))
# A claim is not about the wish if it shares words mainly with the text before the wish: at least three words, and at
# least three times as many as with the text after the wish.
_BEFORE_FACTOR = 3


def _is_about_something_else(statement: Statement, words: Sequence[Word], phrase: str) -> bool:
    """Whether a wish in the quotation is unrelated to the claim.

    For example, "customers who want to" states a wish of other people. If the quotation is "The old tool was slow, and
    we want to replace it", the claim can be about the slow tool.
    """
    if phrase not in _WISHES:
        return False
    at = spaced(words).split(f" {phrase} ")[0].count(" ")
    if {word.lower for word in words[max(0, at - 1) : at]} & {"who", "which", "that"}:
        return True
    before, after = (
        sum(shares(word, statement.content_keys) for word in part) for part in (words[:at], words[at + 2 :])
    )
    return before >= _BEFORE_FACTOR * max(1, after)


def past_as_present(statement: Statement) -> Iterator[Problem]:
    """Flag a claim about the present if the quotation says "used to", "no longer" or another phrase about the past."""
    if not statement.is_claim or _is_past(statement.claim):
        return
    for clause in statement.clauses:
        text = spaced(clause)
        phrase = next((phrase for phrase in PAST_PHRASES if f" {phrase} " in text), "")
        if phrase and not statement.claim.has(phrase) and statement.is_about(clause):
            yield from soft("D40", f"the quotation says {phrase!r}, and the claim is about today")
            return


_PAST_WORDS = frozenset(
    "was were had did used cut spent took before once formerly previously left moved no not stopped dropped".split()
)


def _is_past(claim: Wording) -> bool:
    is_over = any(claim.has(phrase) for phrase in _ENDED_PHRASES)
    return is_over or any(word.lower.endswith("ed") or word.lower in _PAST_WORDS for word in claim.words)


_ENDED_PHRASES = ("given way", "gave way", "gives way", "in place of", "now only", "given up", "gave up")
