"""Parses dates as people write them in headings, text and bylines."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from datetime import date
from functools import lru_cache

MONTHS = 12
# If the day is unknown, 31 is used: '2026-02' is over a year old on 1 March 2027, but not on 28 February 2027.
DAYS_OF_LONGEST_MONTH = 31
_MONTH = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_FORMS = (
    rf"{_YEAR}-(?P<number>0[1-9]|1[0-2])(?:-(?P<day>[0-3]\d))?",
    rf"{_YEAR}\s?年(?:\s?(?P<number>1[0-2]|[1-9])\s?月)?(?:\s?\d{{1,2}}\s?日)?",
    rf"(?:\d{{1,2}}(?:st|nd|rd|th)?\s+)?{_MONTH},?\s+(?:\d{{1,2}}(?:st|nd|rd|th)?,?\s+)?{_YEAR}",
    _YEAR,
)
# Each line lists the first letters of one month's names in several European languages. An entry with `\b` must match
# the whole name: 'may' is a month, but 'maybe' is not.
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
# `calendar.month_name` is not used, because it depends on the locale.
_ENGLISH_MONTHS = "January February March April May June July August September October November December".split()
_MONTH_NAMES = tuple(re.compile(rf"(?:{names})", re.IGNORECASE) for names in _MONTHS)
_NAME = r"(?P<name>[^\W\d_]{3,12})\.?"
_DAY = r"(?P<day>0?[1-9]|[12]\d|3[01])"
_OF = r"(?:\s+(?:de|of|del))?"
_DAYS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"(?<!\d){_YEAR}-(?P<month>\d\d)-(?P<day>\d\d)(?!\d)",
        # In dates that start with the year, such as 2024/03/12, the month comes before the day.
        rf"(?<!\d){_YEAR}[./]\s?(?P<month>\d\d?)[./]\s?(?P<day>\d\d?)(?!\d)",
        rf"{_YEAR}\s?[年년]\s?(?P<month>\d\d?)\s?[月월]\s?(?P<day>\d\d?)\s?[日일]",
        rf"(?<![\d.,]){_DAY}(?:st|nd|rd|th|er|\.|º|ª)?{_OF}[\s-]+{_NAME}{_OF},?[\s-]+{_YEAR}(?!\d)",
        rf"\b{_NAME}\s+{_DAY}(?:st|nd|rd|th)?,?\s+{_YEAR}(?!\d)",
        # In dates with dots, such as 12.03.2024, the day comes first.
        rf"(?<![\d.]){_DAY}\.\s?(?P<month>0?[1-9]|1[0-2])\.\s?{_YEAR}(?!\d)",
        # The order in dates such as 3/14/2024 depends on the country. Only a number above 12 is clearly the day.
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
# A separator must stand between the date and the rest of the heading, so '2021 was a good year' does not match.
_AT_START = tuple(re.compile(rf"{form}\s*(?=$|[:：|,(]|[–—-]\s)", re.IGNORECASE) for form in _FORMS)
_AT_END = tuple(re.compile(rf"(?:[:：|,(]|[–—-]\s)\s*{form}\s*\)?$", re.IGNORECASE) for form in _FORMS)


def date_of_heading(text: str) -> date | None:
    """Return the date at the start or end of a heading: 'Sep 2021: 30 people', 'Series B (2021)'.

    If this date has no day, the last day of its month or year is returned. A year within the heading, as in 'What 2021
    taught us', does not count as a date.
    """
    return next(_dates(text.strip()), None)


def _dates(text: str) -> Iterator[date]:
    for at_start, at_end in zip(_AT_START, _AT_END, strict=True):
        if match := at_start.match(text) or at_end.search(text):
            parts = match.groupdict()
            yield _last_day(int(match["year"]), _month(parts), int(parts.get("day") or 0))


def _month(groups: dict[str, str | None]) -> int:
    """Return the number of the month, or 12 if the date is only a year."""
    if name := groups.get("month"):
        return [abbreviation.casefold() for abbreviation in calendar.month_abbr].index(name.casefold())
    return int(groups.get("number") or 12)


def _last_day(year: int, month: int, day: int) -> date:
    """Return the date. If `day` is 0 or too high, the result is the last day of the month."""
    last = calendar.monthrange(year, month)[1]
    return date(year, month, day if 1 <= day <= last else last)


def days_of(text: str) -> Iterator[tuple[date, int, int]]:
    """Yield each date in the text that has a day, month and year, with its start and end offset.

    '3/4/2021' is skipped, because it is a day in March in some countries and a day in April in others.
    """
    for form in _DAYS:
        for match in form.finditer(text):
            if day := _day(match.groupdict()):
                yield day, match.start(), match.end()


def without_day(text: str, day: date) -> str:
    """Remove every notation of this date from the text: '16 December 2021', 'Dec 16', 'December 2021'."""
    for named, first, last in sorted(_all_days(text), key=lambda named: -named[1]):
        if named == day:
            text = text[:first] + text[last:]
    return _notations(day).sub("", text) if calendar.month_abbr[day.month] in text else text


@lru_cache(maxsize=512)
def _all_days(text: str) -> tuple[tuple[date, int, int], ...]:
    return tuple(days_of(text))


@lru_cache(maxsize=512)
def _notations(day: date) -> re.Pattern[str]:
    name = calendar.month_abbr[day.month] + "[a-z]*\\.?"
    number = rf"0?{day.day}(?:st|nd|rd|th)?"
    year = rf"(?:,? {day.year}\b|(?!,? (?:19|20)\d\d\b))"
    forms = (rf"\b{number} (?:of )?{name}{year}", rf"\b{name} {number}\b{year}", rf"\b{name},? {day.year}\b")
    return re.compile("|".join(forms))


def iso_date(text: str) -> str:
    """Return the most precise date in the text as '2024-03-12', '2024-03' or '2024'. Return '' if there is none."""
    if day := next(days_of(text), None):
        return day[0].isoformat()
    months = (f"{year}-{month:02}" for year, month in _months_of(text) if 1 <= month <= MONTHS)
    year = _YEARS.search(text)
    return next(months, year["year"] if year else "")


def _months_of(text: str) -> Iterator[tuple[str, int]]:
    for form in _MONTHS_OF_YEARS:
        for match in form.finditer(text):
            yield match["year"], _numbers({"day": "1", **match.groupdict()})[0]


def _day(groups: dict[str, str | None]) -> date | None:
    month, day = _numbers(groups)
    try:
        return date(int(groups["year"] or 0), month, day)
    except ValueError:
        return None


def _numbers(groups: dict[str, str | None]) -> tuple[int, int]:
    """Return the month and the day, with 0 for a number that is missing or ambiguous."""
    if name := groups.get("name"):
        months = (number for number, names in enumerate(_MONTH_NAMES, start=1) if names.match(name))
        return next(months, 0), int(groups["day"] or 0)
    if groups.get("first"):
        first, second = sorted((int(groups["first"] or 0), int(groups["second"] or 0)))
        return (first, second) if second > MONTHS or first == second else (0, 0)
    return int(groups["month"] or 0), int(groups["day"] or 0)


def date_in_words(text: str) -> str:
    """Return '31 January 2026' for '2026-01-31' and 'January 2026' for '2026-01'.

    Any other text is returned unchanged.
    """
    year, month, day = year_month_day(text)
    if not year:
        return text
    return " ".join(filter(None, (str(day or ""), _ENGLISH_MONTHS[month - 1] if month else "", str(year))))


def is_over_a_year_old(day: str, today: date) -> bool:
    """Whether a date such as '2026-01-31', '2026-01' or '2026' is more than a year before `today`."""
    year, month, day_of_month = year_month_day(day)
    anniversary = (year + 1, month or MONTHS, day_of_month or DAYS_OF_LONGEST_MONTH)
    return bool(year) and anniversary < (today.year, today.month, today.day)


def year_month_day(text: str) -> tuple[int, int, int]:
    """Return the year, month and day of an ISO 8601 date, with 0 for each missing part."""
    match = _ISO.fullmatch(text)
    year, month, day = map(int, match.groups(default="0")) if match else (0, 0, 0)
    return (year, month, day) if month <= MONTHS else (0, 0, 0)
