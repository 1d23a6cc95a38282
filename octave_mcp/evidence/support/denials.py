"""Finds the words in a text that are denied by a negation, or by a verb such as "lacks"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from octave_mcp.evidence.support.lexicon import (
    AVAILABILITY,
    DENIAL_PHRASES,
    DENIALS,
    DENIALS_TO,
    IDLE_AFTER_NO,
    NEGATIONS,
    NOT_ONLY,
    PASSIVE_AUXILIARIES,
    SCOPE_ENDS,
)
from octave_mcp.evidence.support.wording import Word, Wording, joined, shares

# Maximum distances, in words, between a denied word and the word that denies it: a negation such as "not", a verb such
# as "lacks", a phrase such as "rather than", or a "no" after the denied word.
_REACH, _DENIAL_REACH, _CONTRAST_REACH, _OBJECT_REACH = 8, 5, 7, 4
# These negations also deny the words before them: "Of the plans, none is free."
BACKWARD_NEGATIONS = frozenset("neither none nothing nobody".split())
_POSTPOSED = frozenset({"not", "never"})
# "No" can also deny the verb before it: "stores no password" means "does not store a password".
_POSTPOSED_OR_NO = _POSTPOSED | {"no"}
# These adverbs are not denied, because they are part of the negation: "no longer", "not really".
_ADVERBS = frozenset("yet ever really actually currently longer quite necessarily".split())


class Denial(NamedTuple):
    """A negating word, such as "not" or "lacks", and the words that it denies.

    `denied`: the denied content words, with the nearest first.
    """

    word: Word
    denied: tuple[Word, ...]


@dataclass(frozen=True)
class Denials:
    """All denials in a text."""

    text: Wording

    @cached_property
    def all(self) -> tuple[Denial, ...]:
        return tuple(denial for word in self.text.words if (denial := _denial(self.text, word)))

    @cached_property
    def keys(self) -> frozenset[str]:
        """The comparison keys of all denied words. The negation can come before or after the word."""
        return joined(
            word.keys
            for denial in self.all
            for word in (*denial.denied, *_denied_before(self.text, denial.word, _POSTPOSED_OR_NO))
            if word.is_content
        )

    def stated_keys(self, wanted: frozenset[str]) -> frozenset[str]:
        """Return the keys of the words that are not denied, but only from the sentences that best match `wanted`."""
        scores = [sum(shares(word, wanted) for word in words) for words in self.text.sentences]
        best = max(scores, default=0)
        places = [words for words, score in zip(self.text.sentences, scores, strict=True) if score == best]
        reached = {
            word.at
            for denial in self.all
            for word in (*denial.denied, *_denied_before(self.text, denial.word, _POSTPOSED_OR_NO))
        }
        words = [word for words in places for word in words if word.is_content]
        denied = joined(word.keys for word in words if word.at in reached)
        return joined(word.keys for word in words if word.at not in reached) - denied

    @cached_property
    def undenied_keys(self) -> frozenset[str]:
        """The comparison keys of all words that are not denied."""
        reached = {word.at for denial in self.all for word in denial.denied}
        return joined(word.keys for word in self.text.words if word.is_content and word.at not in reached)


def denying(text: Wording, word: Word, denials: frozenset[str], *, within: int) -> Iterator[Word]:
    """Yield each word from `denials` that is in the same clause, at most `within` words before `word`."""
    before = text.words[max(0, word.at - within) : word.at]
    return (other for other in before if other.clause == word.clause and other.lower in denials)


def _denial(text: Wording, word: Word) -> Denial | None:
    """Return the denial that starts with this word, or None if the word denies nothing."""
    rest = text.words[word.at + 1 :]
    following = rest[0].lower if rest else ""
    if word.lower in NEGATIONS:
        if (
            following in NOT_ONLY
            or text.before(word) in {"if", "or"}
            or _is_idle_no(text, word, following)
            or _is_double_negation(text, rest[:2])
        ):
            return None
        reach = _until_scope_ends(text, rest[:_REACH])
        if is_after_comma(text, word):  # "Three weeks, not eight, on average" denies only "eight".
            reach = _until_comma(text, reach)
        if _is_cancelled(text, word):
            return None
        if word.lower in BACKWARD_NEGATIONS:
            reach = (*reach, *reversed(text.words[: word.at]))
    elif _is_denial_verb(text, word) and not {w.lower for w in text.words[max(0, word.at - 2) : word.at]} & NEGATIONS:
        is_contrast = following in {"than", "of"}
        reach = _until_scope_ends(text, rest[:_CONTRAST_REACH] if is_contrast else rest[:_DENIAL_REACH])
        reach = _until_comma(text, reach) if is_contrast else reach
    else:
        return None
    if following in AVAILABILITY and word.lower == "not":
        reach = (*reach, *reversed(_denied_before(text, word)))
    return Denial(word, tuple(other for other in reach if _is_deniable(other) and other.clause == word.clause))


def _is_deniable(word: Word) -> bool:
    return word.is_content and word.lower not in _ADVERBS


_CANCEL_REACH = 6


def _is_cancelled(text: Wording, word: Word) -> bool:
    """Whether another negation cancels this negation, as in "never sends an order without an invoice"."""
    before, after = text.neighbours(word, _CANCEL_REACH)
    if word.lower in _WITHOUT:
        return any(other.lower in NEGATIONS or other.lower in _CANNOT for other in before)
    return any(other.lower in _WITHOUT for other in after)


_WITHOUT = frozenset({"without"})
_CANNOT = frozenset("impossible unthinkable unable fails fail".split())


def _is_denial_verb(text: Wording, word: Word) -> bool:
    """Whether a verb or phrase has a negative meaning: "lacks", "failed to", "ruled out"."""
    following = text.after(word)
    if word.lower in DENIALS or (word.lower in DENIALS_TO and following == "to"):
        return True
    return f"{word.lower} {following}" in DENIAL_PHRASES


def _is_double_negation(text: Wording, following: Sequence[Word]) -> bool:
    """Whether a verb with a negative meaning follows and cancels a negation, as in "not ruled out"."""
    return any(_is_denial_verb(text, word) for word in following)


def _is_idle_no(text: Wording, word: Word, following: str) -> bool:
    """Whether "no" is part of a phrase that denies nothing: "no later than", "no matter", "at no charge"."""
    if word.lower != "no":
        return False
    if following == "better" and text.after(text.words[word.at + 1]) == "than":
        return False
    if following == "extra":  # "At no extra cost" denies nothing.
        return text.after(text.words[word.at + 1]) in IDLE_AFTER_NO
    return following in IDLE_AFTER_NO or (following == "longer" and text.after(text.words[word.at + 1]) == "than")


def _until_scope_ends(text: Wording, words: Sequence[Word]) -> Sequence[Word]:
    """Return the words that a negation can deny, up to the end of its scope.

    For example, in "does not ship and struggles to sell", the scope of "not" ends before "struggles".
    """
    ends = (at for at, word in enumerate(words) if at and (word.lower in SCOPE_ENDS or _starts_new_clause(text, word)))
    end = next(ends, len(words))
    verb = next((at for at, word in enumerate(words) if at > 1 and word.lower in DENIALS_TO), len(words))
    if verb < len(words) and words[verb - 1].lower == "and":
        end = min(end, verb)
    return words[:end]


def _until_comma(text: Wording, words: Sequence[Word]) -> Sequence[Word]:
    return words[: next((at for at, other in enumerate(words) if at and is_after_comma(text, other)), None)]


def _starts_new_clause(text: Wording, word: Word) -> bool:
    """Whether the word follows a comma and starts a new clause.

    A negation before the comma does not deny the new clause.
    """
    return word.lower in _CLAUSE_STARTERS and is_after_comma(text, word)


# A "not" at the end of a sentence can deny words of an earlier clause, so this reach is larger than `_REACH`.
_ELLIPSIS_REACH = 10


def _ends_sentence(text: Wording, word: Word) -> bool:
    return text.text[word.start + len(word.text) :].lstrip()[:1] in {".", "!", ""}


def is_after_comma(text: Wording, word: Word) -> bool:
    return text.text[: word.start].rstrip().endswith(",")


_CLAUSE_STARTERS = PASSIVE_AUXILIARIES | frozenset("has have had can will i you we they he she it".split())


def _denied_before(text: Wording, word: Word, denying: frozenset[str] = _POSTPOSED) -> Sequence[Word]:
    """Return the words before a negation that the negation can deny: "screen" in "the screen is not available"."""
    if word.lower not in denying:
        return ()
    # In "Others charge per seat; Vessler does not", the "not" at the end denies "charge per seat".
    if _ends_sentence(text, word):
        return text.words[max(0, word.at - _ELLIPSIS_REACH) : word.at]
    reach = _OBJECT_REACH if word.lower == "no" else _REACH
    near = text.words[max(0, word.at - reach) : word.at]
    after_comma = text.text.rfind(",", 0, word.start)
    if word.lower == "no":
        after_comma = max(after_comma, *(other.start for other in near if other.lower == "and"), 0)
    return [other for other in near if other.clause == word.clause and other.start > after_comma]
