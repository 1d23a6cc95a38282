"""Finds third-party claims in offers, thanks and sentences about the writer: 'I can explain why X failed'."""

from __future__ import annotations

import re
from itertools import islice

from octave_mcp.evidence.support.naming import acts, names

# Only the first words of a statement, up to this many, are checked for a verb. If none of these words is a verb, the
# statement is skipped.
MAX_SUBJECT_WORDS = 8
# The subject of a statement must be within this many characters after the start of the statement. A phrase such as 'let
# me know' must be within this many characters before the start.
MAX_SEARCHED_CHARACTERS = 160

# A claim can start after the words that this pattern matches: 'I understand why X lost ...', 'Let me be clear: X is
# ...', 'I know X lost ...'. Directly after a verb such as 'know', a claim must start with a capital letter or 'your'.
_STATEMENT_START = re.compile(
    r"\b(?P<link>that|why|how|because|since)\s+|(?P<colon>:)\s+"
    r"|\b(?:know|knew|see|saw|hear|heard|understand|notice|noticed|reali[sz]ed?|believe|promise|remember|afraid|sure"
    r"|certain|aware|sorry|(?:tell|told|remind|assure|warn|show)(?: (?:you|them|him|her|everyone))?)\s+(?=[A-Z]|your\b)"
)
# Matches requests for information, which claim nothing: 'Let me know how X handles refunds'. The pattern must not match
# 'Happy to explain why X went bankrupt', which claims that X went bankrupt.
_ASKS_TO_KNOW = re.compile(
    r"\b(?:(?:let|tell|show) (?:me|us)(?: know)?|ask(?:ed|ing)?|wonder(?:ed|ing)?|curious|interested"
    r"|(?:to|and|can|could) (?:know|learn|hear|understand|see|find out|check))(?: \w+){0,2} $",
    re.IGNORECASE,
)
# Matches 'No other vendor offers it', but not 'nobody has to know'.
_NOBODY_ELSE = (
    r"(?:no (?:other|one|(?:competitor|rival|vendor|supplier|tool|software|product|system)s?)|not one|nobody)\b"
    r"(?! (?:\w+ )?(?:has|needs) to\b)"
)
_THIRD_PARTIES = re.compile(
    rf"\b(?:{_NOBODY_ELSE}|(?:competitor|rival|vendor|supplier)s?\b|your (?:biggest|largest|main|best) \w)",
    re.IGNORECASE,
)
_STARTS_WITH_NOBODY_ELSE = re.compile(
    rf"^(?:(?:and|but|so|or|just|today|in [^,.?!]{{1,60}}),? )?{_NOBODY_ELSE}", re.IGNORECASE
)
_AUXILIARIES = frozenset(
    "is are was were has have had does do did will won't isn't aren't doesn't didn't never".split()
)
_MODALS = frozenset("can could would may might should to if".split())


def third_party_claim(text: str, own_names: str) -> str:
    """Return the part of the sentence that claims something about a third party, or '' if there is none.

    `own_names`: the names of the vendor and the people in the deal, who are not third parties.
    """
    for start in _STATEMENT_START.finditer(text):
        if start["link"] in {"how", "why"} and _ASKS_TO_KNOW.search(
            text[max(0, start.start() - MAX_SEARCHED_CHARACTERS) : start.start()]
        ):
            continue
        if _is_third_party(_subject(text[start.end() : start.end() + MAX_SEARCHED_CHARACTERS]), own_names.casefold()):
            return text[start.end() :]
    return ""


def is_about_market(text: str) -> bool:
    """Whether the text claims that nobody else does something, as in 'No other vendor warns you'."""
    return bool(_STARTS_WITH_NOBODY_ELSE.match(text))


def _subject(statement: str) -> str:
    """Return the words before the verb.

    Return '' if there is no verb, or if the verb only states a possibility, as in 'X could save ...'.
    """
    words = list[str]()
    for word in islice(statement.split(), MAX_SUBJECT_WORDS):
        plain = word.replace("’", "'").strip(".,;:!?")
        if plain.lower() in _MODALS:
            break
        if words and (plain in _AUXILIARIES or (plain.islower() and acts(plain))):
            return " ".join(words)
        words.append(word)
    return ""


def _is_third_party(subject: str, own_names: str) -> bool:
    names_in_subject = names(f"that {subject[:1].lower()}{subject[1:]}") + names(f"{subject} is")
    return any(name.casefold() not in own_names for name in names_in_subject) or bool(_THIRD_PARTIES.search(subject))
