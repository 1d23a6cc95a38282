"""The date that a heading is."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from datetime import date

_MONTH = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_FORMS = (
    rf"{_YEAR}-(?P<number>0[1-9]|1[0-2])(?:-(?P<day>[0-3]\d))?",
    rf"{_YEAR}\s?年(?:\s?(?P<number>1[0-2]|[1-9])\s?月)?(?:\s?\d{{1,2}}\s?日)?",
    rf"(?:\d{{1,2}}(?:st|nd|rd|th)?\s+)?{_MONTH},?\s+(?:\d{{1,2}}(?:st|nd|rd|th)?,?\s+)?{_YEAR}",
    _YEAR,
)
_BEGINS = tuple(re.compile(rf"{form}\s*(?=$|[:：|,(]|[–—-]\s)", re.IGNORECASE) for form in _FORMS)
_ENDS = tuple(re.compile(rf"(?:[:：|,(]|[–—-]\s)\s*{form}\s*\)?$", re.IGNORECASE) for form in _FORMS)


def date_of_heading(text: str) -> date | None:
    """The last day of the month or year that a heading begins or ends with: 'Sep 2021: 30 people', 'Series B (2021)'.

    A date in ISO 8601 is that day. A heading that only speaks of a year ('What 2021 taught us') is none.
    """
    return next(_dates(text.strip()), None)


def _dates(text: str) -> Iterator[date]:
    for begins, ends in zip(_BEGINS, _ENDS, strict=True):
        if found := begins.match(text) or ends.search(text):
            parts = found.groupdict()
            yield _last_day(int(found["year"]), _month(parts), int(parts.get("day") or 0))


def _month(found: dict[str, str | None]) -> int:
    """12 where only a year is named."""
    if name := found.get("month"):
        return [abbreviation.casefold() for abbreviation in calendar.month_abbr].index(name.casefold())
    return int(found.get("number") or 12)


def _last_day(year: int, month: int, day: int) -> date:
    """That day, or the last of the month if it has no such day."""
    last = calendar.monthrange(year, month)[1]
    return date(year, month, day if 1 <= day <= last else last)
