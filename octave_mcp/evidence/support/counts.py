"""A rule on counts: a figure must count the same thing in the claim and in the quotation (D3)."""

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

# Numbers that can be the length of a list in the quotation: "two channels" for "e-mail and chat".
SMALL_COUNTS = range(2, 6)
_NUMBER = re.compile(r"[$€£¥₹]?\d+(?:[.,]\d+)*")


def as_written(figure: Quantity, text: str) -> str:
    """Return the figure as the text spells it, with quotation marks around it: 'threefold' for the figure "3x"."""
    written = str(figure).strip("~ ")
    number = _NUMBER.match(written)
    if written in text or not number:
        return repr(written)
    return repr(number[0] if number[0] in text else _spelled(written, figure, text))


def _spelled(written: str, figure: Quantity, text: str) -> str:
    """Return the figure with its number spelled out, if the text spells the number as a single word."""
    for word in _WORD.findall(text):
        if (parsed := quantities(word)) and parsed[0].raw == figure.raw:
            return written.replace(str(parsed[0]).strip("~ "), word)
    return written


_WORD = re.compile(r"[^\W\d_][\w-]*")


def is_count(statement: Statement, figure: Quantity) -> bool:
    """Whether a number in words can be the length of a list in the quotation: "two channels" for "e-mail and chat"."""
    if figure.unit or figure.bound == "vague" or re.search(rf"(?<!\d){figure.raw:g}(?!\d)", statement.text):
        return False
    if _is_counted_differently(statement, figure):
        return False
    listed = max(
        (len(re.findall(r",|\band\b|&", text)) + 1 for text in normalised(statement.quoted_text).split("\n")), default=0
    )
    return listed >= figure.value


def _is_counted_differently(statement: Statement, figure: Quantity) -> bool:
    """Whether the claim and the quotation count the same things differently, as in "four plans" and "two plans"."""
    counts = (
        quoted for quoted in quantities(statement.quoted_text) if quoted.value in SMALL_COUNTS and not quoted.unit
    )
    return any(
        _are_alike(_counted_things(statement.text, figure), _counted_things(statement.quoted_text, quoted))
        for quoted in counts
    )


def _are_alike(claimed: Sequence[frozenset[str]], quoted: Sequence[frozenset[str]]) -> bool:
    """Whether two counted things are the same.

    The phrases are compared word by word, up to the end of the shorter one.
    """
    pairs = list(zip(claimed, quoted, strict=False))
    return bool(pairs) and all(first & second for first, second in pairs)


def miscounted(statement: Statement) -> Iterator[Problem]:
    """Flag a figure that counts one thing in the claim and another in the quotation.

    For example, the claim says "450 employees", and the quotation "450 brands". Also flag a figure if the quotation
    gives another figure for the same thing: the claim says "10 countries", and the quotation "10 people in 25
    countries".
    """
    for figure in quantities(statement.text):
        matches = [quoted for quoted in quantities(statement.quoted_text) if is_said(figure, quoted)]
        if (
            figure.unit
            or figure.is_year
            or figure.bound == "vague"
            or not matches
            or _is_ordinal(statement.text, figure)
        ):
            continue
        if not (things := _counted_things(statement.text, figure)) or is_derived(
            figure, quantities(statement.quoted_text)
        ):
            continue
        if _are_comparable(statement, things) and all(
            thing.isdisjoint(_words_around(statement.quoted_text, matches)) for thing in things
        ):
            yield from soft(
                "D3", f"{as_written(figure, statement.text)} counts something else in the quotation than in the claim"
            )
        elif quoted_figure := _figure_for_same_thing(statement, things, matches):
            yield from soft(
                "D3",
                f"the quotation gives {as_written(quoted_figure, statement.quoted_text)} for this,"
                f" not {as_written(figure, statement.text)}",
            )


def _is_ordinal(text: str, figure: Quantity) -> bool:
    """Whether a figure is an ordinal, part of a date, or the number of a standard such as "ISO 27001"."""
    plain = in_digits(text)
    if plain[max(0, figure.start - 1) : figure.start] in {"-", "/"} and plain[: figure.start - 1][-1:].isdigit():
        return True
    before = plain[: figure.start].rstrip(" ,.").rsplit(" ", 1)[-1]
    is_standard = len(before) > 1 and before.isupper() and before.isalpha()
    return plain[figure.end : figure.end + 1].isalpha() or before.lower() in MONTHS or is_standard


def _are_comparable(statement: Statement, things: Sequence[frozenset[str]]) -> bool:
    """Whether at least one of the counted things has known synonyms or is in the quotation.

    A noun without known synonyms cannot be compared, because it could be a synonym of another noun in the quotation.
    """
    return any(len(thing) > 1 or not thing.isdisjoint(statement.keys) for thing in things)


_THING_ENDS = frozenset("in for with to from by on at after since per a an every each when and or of".split())
# If one of these verbs follows the figure, the counted thing is not named after it: "400 had come by May".
_LEADING_VERBS = frozenset("had has have did do does will can came come joined".split())
_MAX_THINGS = 3


def _counted_things(text: str, figure: Quantity) -> list[frozenset[str]]:
    """Return the comparison keys of up to three content words after a figure, which say what the figure counts."""
    things: list[frozenset[str]] = []
    if in_digits(text)[figure.end : figure.end + 1] == ",":
        return things
    for word in wording(in_digits(text)[figure.end :][:60]).words:
        is_end = word.lower in _THING_ENDS or (not things and word.lower in _LEADING_VERBS)
        if word.clause or is_end or word.is_figure or len(things) == _MAX_THINGS:
            break
        if word.is_content:
            things.append(word.keys)
    return things


def _words_around(text: str, figures: Sequence[Quantity]) -> frozenset[str]:
    plain = in_digits(text)
    return joined(wording(plain[max(0, q.start - 90) : q.end + 90]).keys for q in figures)


def _figure_for_same_thing(
    statement: Statement, things: Sequence[frozenset[str]], matches: Sequence[Quantity]
) -> Quantity | None:
    """Return the quotation's figure for the thing that the claimed figure counts, or None."""
    counted = joined(thing for quoted in matches for thing in _counted_things(statement.quoted_text, quoted))
    if not counted or any(thing & counted for thing in things):
        return None
    return next(
        (
            q
            for q in quantities(statement.quoted_text)
            if any(things[-1] & thing for thing in _counted_things(statement.quoted_text, q))
        ),
        None,
    )
