"""Checks whether a claim swaps the two sides of a verb or of "than": "A calls B" and "B calls A"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.evidence.support.lexicon import PASSIVE_AUXILIARIES
from octave_mcp.evidence.support.naming import has_name
from octave_mcp.evidence.support.statement import Quoted, Statement
from octave_mcp.evidence.support.stories import story_of
from octave_mcp.evidence.support.wording import Word, Wording, is_past, joined, stem, wording


def is_comparison_swapped(claim: Wording, quote: Wording) -> bool:
    """Whether the claim says "A has more than B" where the quotation says "B has more than A"."""
    for claimed in _sides_of_than(claim):
        for in_quote in _sides_of_than(quote):
            (a, b), (c, d) = _without_shared(claimed), _without_shared(in_quote)
            if a & d and b & c and not b & d:
                return True
    return False


_Sides = tuple[frozenset[str], frozenset[str]]


def _without_shared(sides: _Sides) -> _Sides:
    return sides[0] - sides[1], sides[1] - sides[0]


def _sides_of_than(text: Wording) -> Iterator[_Sides]:
    for word in text.words:
        if word.lower == "than" and not _is_before_figure(text, word):
            before = (w for w in text.words[: word.at] if w.clause == word.clause and w.is_content)
            after = (w for w in text.words[word.at + 1 : word.at + 6] if w.clause == word.clause and w.is_content)
            yield joined(w.keys for w in before), joined(w.keys for w in after)


def _is_before_figure(text: Wording, than: Word) -> bool:
    return text.after(than)[:1].isdigit()


# Comparison key for all words that mean the company that owns the page, such as its name in the claim and "we" in the
# quotation.
_COMPANY = "@"
_SIDE_WORDS = 4


def are_roles_swapped(statement: Statement) -> bool:
    """Whether the nouns on both sides of a verb are swapped: "A calls B" where the quotation says "B calls A"."""
    return any(
        _do_sides_swap(
            claim,
            quote,
            _company_words(statement, quotation),
            speaks=not story_of(quotation, statement.page_owner(quotation)),
        )
        for quotation in statement.evidence
        for claim, quote in _with_and_without_appositions(statement.text, quotation.text)
    )


# An apposition is the part between the commas in "Vessler, a software company, bought Tidewell". A likely verb or the
# end of the sentence must follow, so that "the CRM" in the list "e-mail, the CRM, and chat" does not match.
_APPOSITION = re.compile(
    r"(?<=\w), (?:the|an?|which|who|whose|its|their|based|backed|founded|led|owned|known|part|one|formerly|with)"
    r" [^,.;:!?]{2,80}"
    r"(?:, (?=(?:[a-z]+ )?(?:[a-z]+(?:ed|s)|[a-z]*(?:ght|ook|ave|ent|old|ade|ew|ame|un|ut))\b)|(?=[.!?]|$))"
)


def _with_and_without_appositions(claim: str, quote: str) -> Iterator[tuple[Wording, Wording]]:
    yield wording(claim), wording(quote)
    if "," in claim or "," in quote:
        plain = _APPOSITION.sub(" ", claim), _APPOSITION.sub(" ", quote)
        if plain != (claim, quote):
            yield wording(plain[0]), wording(plain[1])


def _may_be_a_verb(claim: Wording, word: Word) -> bool:
    is_formed = word.lower.endswith(("s", "ed")) or is_past(word.lower)
    is_placed = claim.before(word) in _BEFORE_VERBS or claim.after(word) in _BEFORE_OBJECTS
    is_noun = claim.before(word) in _BEFORE_NOUNS or claim.before(claim.words[word.at - 1]) in _BEFORE_NOUNS
    return word.is_content and word.text.islower() and (is_formed or is_placed) and not is_noun


def _is_after_plural(text: Wording, word: Word) -> bool:
    """Whether a word can be the verb of a plural noun, like "call" in "Agents call customers"."""
    return _PLURAL.search(text.before(word)) is not None and word.lower[-1:] != "s"


# Matches words that can be plurals, but not "access" and "status".
_PLURAL = re.compile(r"[^su]s$")
_BEFORE_VERBS = frozenset("to will can could would may might".split())
_BEFORE_NOUNS = frozenset("for of".split())
_BEFORE_OBJECTS = frozenset("the a an its their his her our us them it these those".split())
_WE = frozenset("we us i me".split())


def _do_sides_swap(claim: Wording, quote: Wording, company_words: frozenset[str], *, speaks: bool) -> bool:
    """Whether the nouns before and after a verb are swapped: "A calls B" where the quotation says "B calls A".

    `speaks` is true if the company that owns the page calls itself "we" in the quotation.
    """
    quoted_company_words = company_words | _WE if speaks else company_words
    return any(
        all(
            change_places(_sides(claim, verb, company_words), _sides(quote, quoted_verb, quoted_company_words))
            for quoted_verb in quoted_verbs
        )
        for verb, quoted_verbs in _shared_words(claim, quote)
        for change_places in (_are_sides_swapped if _may_be_a_verb(claim, verb) else _are_nouns_swapped,)
    )


def _shared_words(claim: Wording, quote: Wording) -> Iterator[tuple[Word, Sequence[Word]]]:
    """For each word of the claim that can be a verb, yield the word and its occurrences in the quotation."""
    for word in claim.words[1:-1]:
        word_stem = stem(word.lower)
        if word_stem not in quote.stems or not word.is_content or not word.text.islower():
            continue
        if _may_be_a_verb(claim, word) or _is_after_plural(claim, word):
            yield word, [other for other in quote.words if stem(other.lower) == word_stem]


def _company_words(statement: Statement, quotation: Quoted) -> frozenset[str]:
    name = statement.page_owner(quotation)
    return frozenset(word.lower() for word in name.split()) if name and has_name(name, statement.text) else frozenset()


def _sides(text: Wording, verb: Word, company_words: frozenset[str]) -> _Sides:
    before, after = text.neighbours(verb, _SIDE_WORDS)
    if after and after[0].lower == "by" and any(word.lower in PASSIVE_AUXILIARIES for word in before[:2]):
        return _side(text, after[1:], company_words), _side(text, before, company_words)
    # With any other passive verb, or with "by" elsewhere, it is unclear which side acts, so the sides are not compared.
    is_passive = any(word.lower in PASSIVE_AUXILIARIES for word in before[:2]) or any(
        word.lower == "by" for word in after
    )
    if is_passive:
        return frozenset(), frozenset()
    return _side(text, before, company_words), _side(text, after, company_words)


def _side(text: Wording, words: Sequence[Word], company_words: frozenset[str]) -> frozenset[str]:
    """Return the comparison keys of the words on one side of a verb.

    The company's key is included only if the company is at most two words away from the verb. A possessive does not
    count: in "Vessler's agents call", the agents are the subject.
    """
    keys = joined(word.keys for word in words if word.is_content and word.lower not in company_words)
    is_own = any(word.lower in company_words and not _is_possessive(text, word) for word in words[:2])
    return keys | {_COMPANY} if is_own else keys


def _is_possessive(text: Wording, word: Word) -> bool:
    return text.text.startswith("'", word.start + len(word.text))


def _are_nouns_swapped(claimed: _Sides, quoted: _Sides) -> bool:
    (a, b), (c, d) = claimed, quoted
    a, b, c, d = a - c, b - d, c - a, d - b
    return bool(a & d and b & c)


def _are_sides_swapped(claimed: _Sides, quoted: _Sides) -> bool:
    """Whether both nouns are swapped, or the company is on different sides of the verb in the two texts."""
    if _are_nouns_swapped(claimed, quoted):
        return True
    (a, b), (c, d) = claimed, quoted
    has_moved = (_COMPANY in a - b and _COMPANY in d - c) or (_COMPANY in b - a and _COMPANY in c - d)
    return has_moved and bool((a | b) & (c | d) - {_COMPANY})
