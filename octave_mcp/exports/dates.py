"""Says how long ago a date was, in words such as '10 months ago'."""

from __future__ import annotations

from datetime import date

from octave_mcp.evidence.dates import year_month_day

# Minimum ages that are shown in weeks, months or years. For example, 13 days are shown as "13 days ago", and 14 days as
# "2 weeks ago".
_MIN_DAYS_AS_WEEKS, _MIN_DAYS_AS_MONTHS, _MIN_MONTHS_AS_YEARS = 14, 61, 24


def age_in_words(text: str, on: date) -> str:
    """Return how long before the day `on` a date was, as in '10 months ago'; return '' if the text is not a date.

    The text can also be a month or a year, such as '2024-03' or '2024'.
    """
    year, month, day = year_month_day(text)
    if not year:
        return ""
    if day:
        return _days_ago(text, on)
    months = (on.year - year) * 12 + (on.month - month if month else 0)
    if months < 0:
        return "upcoming"
    if not month:
        return {0: "this year", 12: "last year"}.get(months) or _ago(months // 12, "year")
    return _months_ago(months) if months else "this month"


def _days_ago(text: str, on: date) -> str:
    try:
        days = (on - date.fromisoformat(text)).days
    except ValueError:
        return ""
    if days < 0:
        return "upcoming"
    if days < _MIN_DAYS_AS_WEEKS:
        return _ago(days, "day") if days else "today"
    return _ago(round(days / 7), "week") if days < _MIN_DAYS_AS_MONTHS else _months_ago(round(days / 30.44))


def _months_ago(months: int) -> str:
    return _ago(months, "month") if months < _MIN_MONTHS_AS_YEARS else _ago(months // 12, "year")


def _ago(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'} ago"
