"""Checks whether a claim reverses the order of the events in its quotation."""

from __future__ import annotations

import re
from collections.abc import Iterator

from octave_mcp.evidence.support.lexicon import NEGATIONS
from octave_mcp.evidence.support.naming import names
from octave_mcp.evidence.support.statement import Statement
from octave_mcp.evidence.support.wording import Word, Wording, joined, spaced, wording


def is_out_of_sequence(statement: Statement) -> bool:
    """Whether the claim reverses the order of two events, or swaps the past and the present."""
    return _is_name_order_reversed(statement) or _is_change_reversed(statement) or _is_end_reversed(statement)


_EARLIER_FIRST = re.compile(
    r"\b(?:before|ahead of|preced(?:es|ed|ing)|prior to|followed by|led to|gave way to)\b", re.IGNORECASE
)
_LATER_FIRST = re.compile(
    r"\b(?:after|follow(?:s|ing)|followed(?! by)|in the wake of|on the heels of)\b", re.IGNORECASE
)
_SEARCHED_CHARACTERS = 120
_SENTENCE_END = re.compile(r"[.;!?](?:\s|$)")


def _is_name_order_reversed(statement: Statement) -> bool:
    """Whether two names are swapped: "Oslo after Rome" where the quotation says "Rome after Oslo"."""
    claimed = set(_ordered_pairs(statement.text))
    if not claimed:
        return False
    in_quotes = {pair for quotation in statement.evidence for pair in _ordered_pairs(quotation.text)}
    return any(pair[::-1] in in_quotes and pair not in in_quotes for pair in claimed)


def _ordered_pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield pairs of lower-case names, with the name of the earlier event first."""
    for pattern, is_turned in ((_EARLIER_FIRST, False), (_LATER_FIRST, True)):
        for match in pattern.finditer(text):
            before = _SENTENCE_END.split(text[max(0, match.start() - _SEARCHED_CHARACTERS) : match.start()])[-1]
            after = _SENTENCE_END.split(text[match.end() : match.end() + _SEARCHED_CHARACTERS])[0]
            for first in names(f"x {before}"):
                for later in names(f"x {after}"):
                    pair = (later, first) if is_turned else (first, later)
                    yield pair[0].lower(), pair[1].lower()


_FROM_TO = re.compile(
    r"\bfrom (?P<a>[^.;,]{3,40}?) (?:(?:down|up|back|over|all the way) )*(?:to|into|onto) (?P<b>[^.;,]{3,40})",
    re.IGNORECASE,
)
_NOW_WORDS = frozenset("now today currently".split())
_ONCE_WORDS = frozenset(
    "earlier previously formerly initially originally first once introduced started began was were".split()
)


def _is_change_reversed(statement: Statement) -> bool:
    """Whether the claim reverses a change: "from open to closed" where the quotation says "now open"."""
    match = _FROM_TO.search(statement.text)
    if not match or not statement.claim.lowers.isdisjoint(NEGATIONS):
        return False
    first, last = (_content_keys(wording(match[side])) for side in "ab")
    first, last = first - last, last - first
    clauses = [words for quote in statement.quotes for words in quote.sentences]
    now = joined(w.keys for words in clauses if _has_any(words, _NOW_WORDS) for w in words)
    once = joined(
        w.keys for words in clauses if _has_any(words, _ONCE_WORDS) and not _has_any(words, _NOW_WORDS) for w in words
    )
    return bool(first & now and last & once) and not (last & now or first & once)


def _has_any(words: tuple[Word, ...], listed: frozenset[str]) -> bool:
    return any(word.lower in listed for word in words)


def _content_keys(text: Wording) -> frozenset[str]:
    return joined(word.keys for word in text.words if word.is_content)


_USED_TO_BE = re.compile(
    r"\b(?:used to be|was once|were once|was formerly|were formerly|is no longer|are no longer) (?P<what>\w+)"
)
_IS_NOW = re.compile(r"\b(?:now|today|currently|has become|have become|became)\b")


def _is_end_reversed(statement: Statement) -> bool:
    """Whether the claim says "used to be free" where the quotation says "now free"."""
    match = _USED_TO_BE.search(statement.claim.text)
    what = _content_keys(wording(match["what"])) if match else frozenset[str]()
    if not what:
        return False
    sentences = [
        words for quote in statement.quotes for words in quote.sentences if what & joined(w.keys for w in words)
    ]
    return bool(sentences) and all(
        _IS_NOW.search(spaced(words)) and not _PAST_MARKER.search(spaced(words)) and not _has_any(words, NEGATIONS)
        for words in sentences
    )


_PAST_MARKER = re.compile(r"\b(?:used to|formerly|previously|once|no longer|until|before)\b")
