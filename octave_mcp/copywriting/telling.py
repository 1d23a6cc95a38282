"""What a sentence that offers, thanks or speaks of its writer states of somebody else, all the same."""

from __future__ import annotations

import re
from itertools import islice

from octave_mcp.evidence.support.naming import acts, names

SUBJECT_WORDS = 8
# Characters: in so many, a statement has its verb.
REACH = 160

_BEGINS = re.compile(
    r"\b(?P<link>that|why|how|because|since)\s+|(?P<colon>:)\s+"
    r"|\b(?:know|knew|see|saw|hear|heard|understand|notice|noticed|reali[sz]ed?|believe|promise|remember|afraid|sure"
    r"|certain|aware|sorry|(?:tell|told|remind|assure|warn|show)(?: (?:you|them|him|her|everyone))?)\s+(?=[A-Z]|your\b)"
)
_WANTS_TO_KNOW = re.compile(
    r"\b(?:(?:let|tell|show) (?:me|us)(?: know)?|ask(?:ed|ing)?|wonder(?:ed|ing)?|curious|interested"
    r"|(?:to|and|can|could) (?:know|learn|hear|understand|see|find out|check))(?: \w+){0,2} $",
    re.IGNORECASE,
)
_MARKET = (
    r"(?:no (?:other|one|(?:competitor|rival|vendor|supplier|tool|software|product|system)s?)|not one|nobody)\b"
    r"(?! (?:\w+ )?(?:has|needs) to\b)"
)
_OTHERS = re.compile(
    rf"\b(?:{_MARKET}|(?:competitor|rival|vendor|supplier)s?\b|your (?:biggest|largest|main|best) \w)", re.IGNORECASE
)
_OF_MARKET = re.compile(rf"^(?:(?:and|but|so|or|just|today|in [^,.?!]{{1,60}}),? )?{_MARKET}", re.IGNORECASE)
_FINITE = frozenset("is are was were has have had does do did will won't isn't aren't doesn't didn't never".split())
# Before a verb of its own: what may be, or no statement.
_OPEN = frozenset("can could would may might should to if".split())


def told(text: str, free: str) -> str:
    """The statement about a third party that a part of the sentence is; '' if there is none.

    `free` has the names that are no third party's.
    """
    for found in _BEGINS.finditer(text):
        if found["link"] in {"how", "why"} and _WANTS_TO_KNOW.search(
            text[max(0, found.start() - REACH) : found.start()]
        ):
            continue
        if _is_of_other(_subject(text[found.end() : found.end() + REACH]), free.casefold()):
            return text[found.end() :]
    return ""


def is_of_market(text: str) -> bool:
    """Whether it says what nobody else does: 'No other vendor warns you'."""
    return bool(_OF_MARKET.match(text))


def _subject(statement: str) -> str:
    """What stands before its verb; '' if it has none."""
    before = list[str]()
    for word in islice(statement.split(), SUBJECT_WORDS):
        bare = word.replace("’", "'").strip(".,;:!?")
        if bare.lower() in _OPEN:
            break
        if before and (bare in _FINITE or (bare.islower() and acts(bare))):
            return " ".join(before)
        before.append(word)
    return ""


def _is_of_other(subject: str, free: str) -> bool:
    named = names(f"that {subject[:1].lower()}{subject[1:]}") + names(f"{subject} is")
    return any(name.casefold() not in free for name in named) or bool(_OTHERS.search(subject))
