"""A rule on months (D3), and a check of whether a duration is the time between two dates in the quotation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support.quantities import Quantity, quantities
from octave_mcp.evidence.support.statement import Statement, hard
from octave_mcp.evidence.support.terms import MONTHS

# "March", "May" and "Mar" count as months only after a word such as "in" or "last", or next to a number, because they
# can also be words or names.
_MONTH = re.compile(
    r"\b(?P<name>January|February|April|June|July|August|September|October|November|December"
    r"|Jan|Feb|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b\.?"
    r"|(?:\b(?:[Ii]n|[Bb]y|[Uu]ntil|[Ss]ince|of|from|to|early|late|mid|[Bb]efore|[Aa]fter|through|last|next"
    r"|this)[ -])"
    r"(?P<word>March|May|Mar)\b|\b(?P<dated>March|May|Mar)\b\.?(?= \d)|(?<=\d )(?P<day>March|May|Mar)\b"
    r"|\b(?:19|20)\d\d-(?P<iso>\d\d)\b|\b(?P<us>\d\d?)/(?P<eu>\d\d?)/(?:19|20)?\d\d\b"
    r"|\b\d\d?\.(?P<de>\d\d?)\.(?:19|20)\d\d\b"
)


def _months(text: str, groups: Sequence[str] = ("iso", "us", "eu", "de")) -> set[int]:
    """Return the months in a text. `groups` lists the formats of numeric dates that are read, such as 'iso'.

    In "3/4/2026", both 3 and 4 are returned, because each of them can be the month.
    """
    months_found: set[int] = set()
    for match in _MONTH.finditer(text):
        name = match["name"] or match["word"] or match["dated"] or match["day"]
        numbers = [match[group] for group in groups if match[group]]
        months_found |= {MONTHS[name.lower()]} if name else {int(number) for number in numbers}
    return months_found & {*MONTHS.values()}


def unquoted_months(statement: Statement) -> Iterator[Problem]:
    """Reject a month that the quotation does not contain, unless the page was published in that month."""
    if not (claimed := _months(statement.text, ("iso",))):
        return
    around = "\n".join(
        text for q in statement.evidence for text in (q.text, q.title, q.heading, q.around, q.published_on)
    )
    if statement.kind != "fact":
        around = "\n".join((around, statement.context, *statement.shown))
    if missing := claimed - _months(around):
        name = max((name for name, number in MONTHS.items() if number == min(missing)), key=len)
        yield from hard("D3", f"the month {name.capitalize()!r} is not in the quotation")


_MONTH_DAYS, _YEAR_DAYS = 30, 365


def lies_between(statement: Statement, figure: Quantity) -> bool:
    """Whether a duration, such as three months, is the time between two dates in the quotation."""
    if figure.unit != "s" or figure.raw < 2 or figure.raw % 1:  # noqa: PLR2004 - plural
        return False
    days = figure.value / figure.raw / 86_400
    points = set[int]()
    if days == _MONTH_DAYS:
        points = {*_months(statement.quoted_text)}
    elif days == _YEAR_DAYS:
        points = {int(quantity.value) for quantity in quantities(statement.quoted_text) if quantity.is_year}
    return any(abs(first - second) == figure.raw for first in points for second in points)
