"""Dates as people write them: the date that a heading is, and the day that a line names."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from datetime import date
from functools import lru_cache

MONTHS = 12
LONGEST_MONTH = 31
_MONTH = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_FORMS = (
    rf"{_YEAR}-(?P<number>0[1-9]|1[0-2])(?:-(?P<day>[0-3]\d))?",
    rf"{_YEAR}\s?年(?:\s?(?P<number>1[0-2]|[1-9])\s?月)?(?:\s?\d{{1,2}}\s?日)?",
    rf"(?:\d{{1,2}}(?:st|nd|rd|th)?\s+)?{_MONTH},?\s+(?:\d{{1,2}}(?:st|nd|rd|th)?,?\s+)?{_YEAR}",
    _YEAR,
)
# The first letters of the months, as few as tell them apart, in languages of the pages that are read.
_MONTHS = (
    r"jan|ene|gen\b|genn|янв|sty|led",
    r"feb|fév|fev|фев|lut|únor",
    r"mar|mär|maa|мар|mrz|břez",
    r"apr|avr|abr|апр|kwi|dub",
    r"may\b|mai\b|mayo|mag|maj\b|mei\b|maio|мая|май|květ",
    r"jun|juin|giu|июн|cze|červn",
    r"jul|juil|lug|июл|lip|července",
    r"aug|aoû|ago|авг|sie|srp",
    r"sep|set|сен|wrz|září",
    r"oct|okt|ott|out|окт|paź|říj",
    r"nov|ноя|lis",
    r"dec|dez|déc|dic|дек|gru|pros",
)
_ISO = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
_IN_ENGLISH = (
    "January February March April May June July August September October November December".split()
)  # not those of the machine's locale
_MONTH_NAMES = tuple(re.compile(rf"(?:{names})", re.IGNORECASE) for names in _MONTHS)
_NAME = r"(?P<name>[^\W\d_]{3,12})\.?"
_DAY = r"(?P<day>0?[1-9]|[12]\d|3[01])"
_OF = r"(?:\s+(?:de|of|del))?"
_DAYS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"(?<!\d){_YEAR}-(?P<month>\d\d)-(?P<day>\d\d)(?!\d)",
        rf"(?<!\d){_YEAR}[./]\s?(?P<month>\d\d?)[./]\s?(?P<day>\d\d?)(?!\d)",
        rf"{_YEAR}\s?[年년]\s?(?P<month>\d\d?)\s?[月월]\s?(?P<day>\d\d?)\s?[日일]",
        rf"(?<![\d.,]){_DAY}(?:st|nd|rd|th|er|\.|º|ª)?{_OF}[\s-]+{_NAME}{_OF},?[\s-]+{_YEAR}(?!\d)",
        rf"\b{_NAME}\s+{_DAY}(?:st|nd|rd|th)?,?\s+{_YEAR}(?!\d)",
        rf"(?<![\d.]){_DAY}\.\s?(?P<month>0?[1-9]|1[0-2])\.\s?{_YEAR}(?!\d)",
        rf"(?<![\d/])(?P<first>\d\d?)[/-](?P<second>\d\d?)[/-]{_YEAR}(?!\d)",
    )
)
_MONTHS_OF_YEARS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"(?<!\d){_YEAR}-(?P<month>0[1-9]|1[0-2])(?!\d)",
        rf"{_YEAR}\s?[年년]\s?(?P<month>\d\d?)\s?[月월]",
        rf"(?<![^\W\d_]){_NAME}{_OF},?[\s-]+{_YEAR}(?!\d)",
    )
)
_YEARS = re.compile(rf"(?<!\d){_YEAR}(?!\d)")
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


def days_of(text: str) -> Iterator[tuple[date, int, int]]:
    """Each day that a text names, with where it stands in the text; 3/4/2021 may be either of two days, and is none."""
    for form in _DAYS:
        for found in form.finditer(text):
            if day := _day(found.groupdict()):
                yield day, found.start(), found.end()


def without_day(text: str, day: date) -> str:
    """The text without this day, however it is written: '16 December 2021', 'Dec 16', 'December 2021'."""
    for found, first, last in sorted(_all_days(text), key=lambda found: -found[1]):
        if found == day:
            text = text[:first] + text[last:]
    return _written(day).sub("", text) if calendar.month_abbr[day.month] in text else text


@lru_cache(maxsize=512)
def _all_days(text: str) -> tuple[tuple[date, int, int], ...]:
    return tuple(days_of(text))


@lru_cache(maxsize=512)
def _written(day: date) -> re.Pattern[str]:
    name = calendar.month_abbr[day.month] + "[a-z]*\\.?"
    number = rf"0?{day.day}(?:st|nd|rd|th)?"
    own = rf"(?:,? {day.year}\b|(?!,? (?:19|20)\d\d\b))"
    forms = (rf"\b{number} (?:of )?{name}{own}", rf"\b{name} {number}\b{own}", rf"\b{name},? {day.year}\b")
    return re.compile("|".join(forms))


def iso_date(text: str) -> str:
    """The first date of a text, as exact as it is there: '2024-03-12', '2024-03' or '2024'; '' if it names none."""
    if day := next(days_of(text), None):
        return day[0].isoformat()
    months = (f"{year}-{month:02}" for year, month in _months_of(text) if 1 <= month <= MONTHS)
    year = _YEARS.search(text)
    return next(months, year["year"] if year else "")


def _months_of(text: str) -> Iterator[tuple[str, int]]:
    for form in _MONTHS_OF_YEARS:
        for found in form.finditer(text):
            yield found["year"], _numbers({"day": "1", **found.groupdict()})[0]


def _day(found: dict[str, str | None]) -> date | None:
    month, day = _numbers(found)
    try:
        return date(int(found["year"] or 0), month, day)
    except ValueError:
        return None


def _numbers(found: dict[str, str | None]) -> tuple[int, int]:
    """Month and day; 0 where the text does not tell."""
    if name := found.get("name"):
        months = (number for number, names in enumerate(_MONTH_NAMES, start=1) if names.match(name))
        return next(months, 0), int(found["day"] or 0)
    if found.get("first"):
        first, second = sorted((int(found["first"] or 0), int(found["second"] or 0)))
        return (first, second) if second > MONTHS or first == second else (0, 0)
    return int(found["month"] or 0), int(found["day"] or 0)


def date_in_words(text: str) -> str:
    """'31 January 2026' for '2026-01-31', 'January 2026' for '2026-01'; what is no date stays as it is."""
    year, month, day = year_month_day(text)
    if not year:
        return text
    return " ".join(filter(None, (str(day or ""), _IN_ENGLISH[month - 1] if month else "", str(year))))


def is_over_a_year_old(day: str, today: date) -> bool:
    """Of '2026-01-31', '2026-01' or '2026'; False of what is no date."""
    year, month, of_month = year_month_day(day)
    return bool(year) and (year + 1, month or MONTHS, of_month or LONGEST_MONTH) < (today.year, today.month, today.day)


def year_month_day(text: str) -> tuple[int, int, int]:
    """Year, month and day; 0 for what is missing."""
    found = _ISO.fullmatch(text)
    year, month, day = map(int, found.groups(default="0")) if found else (0, 0, 0)
    return (year, month, day) if month <= MONTHS else (0, 0, 0)
