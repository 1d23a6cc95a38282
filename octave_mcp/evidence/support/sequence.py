"""What came first and what later, in a claim and in its quotation."""

from __future__ import annotations

import re
from collections.abc import Iterator

from octave_mcp.evidence.support.lexicon import NEGATIONS
from octave_mcp.evidence.support.naming import names
from octave_mcp.evidence.support.statement import Statement
from octave_mcp.evidence.support.wording import Word, Wording, joined, spaced, wording


def is_out_of_time(one: Statement) -> bool:
    """Whether the claim turns round what came first, or what was so once and is so now."""
    return _is_in_another_order(one) or _is_back(one) or _is_no_longer(one)


_FIRST_LATER = re.compile(
    r"\b(?:before|ahead of|preced(?:es|ed|ing)|prior to|followed by|led to|gave way to)\b", re.IGNORECASE
)
_LATER_FIRST = re.compile(
    r"\b(?:after|follow(?:s|ing)|followed(?! by)|in the wake of|on the heels of)\b", re.IGNORECASE
)
_MAX_CHARACTERS = 120
_ENDS = re.compile(r"[.;!?](?:\s|$)")


def _is_in_another_order(one: Statement) -> bool:
    """'Oslo a week after Rome', where the quotation has 'Rome follows Oslo'."""
    mine = set(_orders(one.text))
    if not mine:
        return False
    theirs = {pair for quoted in one.evidence for pair in _orders(quoted.text)}
    return any(pair[::-1] in theirs and pair not in theirs for pair in mine)


def _orders(text: str) -> Iterator[tuple[str, str]]:
    """Pairs of names, the one that came first before the other."""
    for pattern, is_turned in ((_FIRST_LATER, False), (_LATER_FIRST, True)):
        for found in pattern.finditer(text):
            before = _ENDS.split(text[max(0, found.start() - _MAX_CHARACTERS) : found.start()])[-1]
            after = _ENDS.split(text[found.end() : found.end() + _MAX_CHARACTERS])[0]
            for first in names(f"x {before}"):
                for later in names(f"x {after}"):
                    pair = (later, first) if is_turned else (first, later)
                    yield pair[0].lower(), pair[1].lower()


_FROM_TO = re.compile(
    r"\bfrom (?P<a>[^.;,]{3,40}?) (?:(?:down|up|back|over|all the way) )*(?:to|into|onto) (?P<b>[^.;,]{3,40})",
    re.IGNORECASE,
)
_NOW = frozenset("now today currently".split())
_ONCE = frozenset(
    "earlier previously formerly initially originally first once introduced started began was were".split()
)


def _is_back(one: Statement) -> bool:
    """'From open to closed', where the quotation says that it was closed, and is open now."""
    found = _FROM_TO.search(one.text)
    if not found or not one.claim.lowers.isdisjoint(NEGATIONS):
        return False
    first, last = (_content(wording(found[side])) for side in "ab")
    first, last = first - last, last - first
    clauses = [words for quote in one.quotes for words in quote.sentences]
    now = joined(w.keys for words in clauses if _has(words, _NOW) for w in words)
    once = joined(w.keys for words in clauses if _has(words, _ONCE) and not _has(words, _NOW) for w in words)
    return bool(first & now and last & once) and not (last & now or first & once)


def _has(words: tuple[Word, ...], listed: frozenset[str]) -> bool:
    return any(word.lower in listed for word in words)


def _content(text: Wording) -> frozenset[str]:
    return joined(word.keys for word in text.words if word.is_content)


_USED_TO_BE = re.compile(
    r"\b(?:used to be|was once|were once|was formerly|were formerly|is no longer|are no longer) (?P<what>\w+)"
)
_IS_NOW = re.compile(r"\b(?:now|today|currently|has become|have become|became)\b")


def _is_no_longer(one: Statement) -> bool:
    """'It used to be free', where the quotation says that it is free now."""
    found = _USED_TO_BE.search(one.claim.text)
    what = _content(wording(found["what"])) if found else frozenset[str]()
    if not what:
        return False
    told = [words for quote in one.quotes for words in quote.sentences if what & joined(w.keys for w in words)]
    return bool(told) and all(
        _IS_NOW.search(spaced(words)) and not _PAST.search(spaced(words)) and not _has(words, NEGATIONS)
        for words in told
    )


_PAST = re.compile(r"\b(?:used to|formerly|previously|once|no longer|until|before)\b")
