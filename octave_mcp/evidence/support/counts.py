"""What a figure counts, and whether it counts the same in the quotation (D3)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support.amounts import is_derived, is_said
from octave_mcp.evidence.support.numerals import in_digits
from octave_mcp.evidence.support.quantities import Quantity, quantities
from octave_mcp.evidence.support.statement import Statement, soft
from octave_mcp.evidence.support.terms import MONTHS
from octave_mcp.evidence.support.wording import joined, normalised, wording

# Such a number may count what the quotation lists.
SMALL = range(2, 6)
_NUMBER = re.compile(r"[$€£¥₹]?\d+(?:[.,]\d+)*")


def named(figure: Quantity, text: str) -> str:
    """As the text writes it: '3 times' and 'threefold' are read as '3x'."""
    own = str(figure).strip("~ ")
    number = _NUMBER.match(own)
    if own in text or not number:
        return repr(own)
    return repr(number[0] if number[0] in text else _spelled(own, figure, text))


def _spelled(own: str, figure: Quantity, text: str) -> str:
    """With the word that the text has for the number, if it is a single one."""
    for word in _WORD.findall(text):
        if (found := quantities(word)) and found[0].raw == figure.raw:
            return own.replace(str(found[0]).strip("~ "), word)
    return own


_WORD = re.compile(r"[^\W\d_][\w-]*")


def is_count(one: Statement, figure: Quantity) -> bool:
    """'Two tools', in words, where the quotation lists two or more with commas."""
    if figure.unit or figure.bound == "vague" or re.search(rf"(?<!\d){figure.raw:g}(?!\d)", one.text):
        return False
    if _is_counted_otherwise(one, figure):
        return False
    listed = max((len(re.findall(r",|\band\b|&", text)) + 1 for text in normalised(one.said).split("\n")), default=0)
    return listed >= figure.value


def _is_counted_otherwise(one: Statement, figure: Quantity) -> bool:
    """'Four open halls', where the quotation has 'two open halls'."""
    counts = (told for told in quantities(one.said) if told.value in SMALL and not told.unit)
    return any(_are_alike(_things(one.text, figure), _things(one.said, told)) for told in counts)


def _are_alike(mine: Sequence[frozenset[str]], theirs: Sequence[frozenset[str]]) -> bool:
    """As far as the shorter one goes."""
    pairs = list(zip(mine, theirs, strict=False))
    return bool(pairs) and all(first & second for first, second in pairs)


def counted(one: Statement) -> Iterator[Problem]:
    """'450 employees' of '450 brands'; '10 countries' of '10 people in 25 countries'."""
    for figure in quantities(one.text):
        same = [told for told in quantities(one.said) if is_said(figure, told)]
        if figure.unit or figure.is_year or figure.bound == "vague" or not same or _is_ordinal(one.text, figure):
            continue
        if not (things := _things(one.text, figure)) or is_derived(figure, quantities(one.said)):
            continue
        if _are_known(one, things) and all(thing.isdisjoint(_around(one.said, same)) for thing in things):
            yield from soft("D3", f"{named(figure, one.text)} counts something else in the quotation than in the claim")
        elif other := _counts_otherwise(one, things, same):
            yield from soft(
                "D3", f"the quotation gives {named(other, one.said)} for this, not {named(figure, one.text)}"
            )


def _is_ordinal(text: str, figure: Quantity) -> bool:
    """An ordinal, part of a date or the number of a standard, such as 'ISO 27001', counts nothing."""
    plain = in_digits(text)
    if plain[max(0, figure.start - 1) : figure.start] in {"-", "/"} and plain[: figure.start - 1][-1:].isdigit():
        return True
    before = plain[: figure.start].rstrip(" ,.").rsplit(" ", 1)[-1]
    is_standard = len(before) > 1 and before.isupper() and before.isalpha()
    return plain[figure.end : figure.end + 1].isalpha() or before.lower() in MONTHS or is_standard


def _are_known(one: Statement, things: Sequence[frozenset[str]]) -> bool:
    """Whether one of them has synonyms, or is in the quotation: another noun may mean the same as the quotation's."""
    return any(len(thing) > 1 or not thing.isdisjoint(one.keys) for thing in things)


_ENDS = frozenset("in for with to from by on at after since per a an every each when and or of".split())
_VERBS = frozenset("had has have did do does will can came come joined".split())
_MAX_THINGS = 3


def _things(text: str, figure: Quantity) -> list[frozenset[str]]:
    """The keys of what a figure counts: the content words after it, up to a preposition."""
    found: list[frozenset[str]] = []
    if in_digits(text)[figure.end : figure.end + 1] == ",":
        return found
    for word in wording(in_digits(text)[figure.end :][:60]).words:
        is_end = word.lower in _ENDS or (not found and word.lower in _VERBS)
        if word.clause or is_end or word.is_figure or len(found) == _MAX_THINGS:
            break
        if word.is_content:
            found.append(word.keys)
    return found


def _around(text: str, found: Sequence[Quantity]) -> frozenset[str]:
    plain = in_digits(text)
    return joined(wording(plain[max(0, q.start - 90) : q.end + 90]).keys for q in found)


def _counts_otherwise(one: Statement, things: Sequence[frozenset[str]], same: Sequence[Quantity]) -> Quantity | None:
    """The figure with which the quotation counts this thing, if the claim's figure counts another thing there."""
    own = joined(thing for told in same for thing in _things(one.said, told))
    if not own or any(thing & own for thing in things):
        return None
    return next((q for q in quantities(one.said) if any(things[-1] & thing for thing in _things(one.said, q))), None)
