"""Read from a response how long its server asks callers to wait before a retry."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
# '7h12m0s', '20ms', '1 minute', 'an hour'. The unit must not be the start of another word: '8 heads' is no duration.
_DURATION = (
    r"((?<!\d)\d+(?:\.\d+)?|an?\b|one)\s?"
    r"(ms|milli\w*+|s(?:ec\w*+)?|m(?:in\w*+)?|h(?:ours?|rs?)?|d(?:ays?)?)(?![a-z])"
)
_DURATIONS = re.compile(_DURATION, re.IGNORECASE)
# 'Please try again in 1m 20s', 'Rate limit resets in 45 seconds', '"retryDelay": "34s"'.
_WAIT = re.compile(
    r"(?:try again|retry|retry[-_ ]?(?:after|delay)['\"]?[:=]|retry your request|\bwait|resets?|available(?: again)?"
    r"|next request)(?: again)?(?: in| after| for)?(?: at least)? ?"
    rf"(?:about |approximately )?['\"]?((?:{_DURATION}(?:,? and |,? )?)+)",
    re.IGNORECASE,
)
# A field of an error body without a unit: '"retry_after": 30', '"estimated_time": 20.5' (seconds, as in the header).
_SECONDS_FIELD = re.compile(
    r"(?:retry[-_]?(?:after|delay)(?:_?seconds)?|estimated_time)['\"]?[:=] ?"
    r"['\"]?(\d+(?:\.\d+)?)(?=['\",} ]|$)",
    re.IGNORECASE,
)
# 'You will regain access on 2026-01-01 at 00:00 UTC', 'try again after Wed, 21 Oct 2026 07:28:00 GMT'.
_DATE = re.compile(
    r"(?:try again|retry|resets?|wait|available|access)(?: again)?(?: at| after| on| until)? "
    r"(\d{4}-\d\d-\d\d(?:[T ]| at )\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|\w{3}, \d\d? \w{3} \d{4} \d\d:\d\d:\d\d GMT)",
    re.IGNORECASE,
)
# A gateway may quote the header in the body of an error: '"X-RateLimit-Reset": "1767225600000"'.
_EPOCH = re.compile(r"x-ratelimit-reset['\"]?[:=] ?['\"]?(\d{10,13})\b", re.IGNORECASE)
# No server asks for a longer wait, so a larger number is an epoch time.
_MAX_WAIT_SECONDS = 366 * 86_400.0
# Epoch times above this are in milliseconds: in seconds, it is the year 5138.
_MAX_EPOCH_SECONDS = 1e11


def retry_after_seconds(headers: Mapping[str, str], text: str = "") -> float | None:
    """Return the wait from `Retry-After` (milliseconds, seconds or a date), the text, or exhausted rate limits.

    The first of these that names a wait counts; None if none does.
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after", "").strip()
    # A repeated header arrives joined by commas ('30, 30'); a date has a comma of its own, so the whole value is first.
    waits = (_reset(value), _reset(value.partition(",")[0]), _in_text(text), max(_resets(headers), default=None))
    return next((wait for wait in waits if wait is not None), None)


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return max(0.0, number) if math.isfinite(number) else None


def _until(date: str) -> float | None:
    """Return the seconds until an HTTP or ISO 8601 date.

    None for a past date: it may be due to a clock that differs, and not to wait at all would be too short.
    """
    when = _iso(date) or _http(date)
    wait = (when - datetime.now(UTC)).total_seconds() if when else 0
    return wait if wait > 0 else None


def _iso(date: str) -> datetime | None:
    try:
        when = datetime.fromisoformat(date)
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _http(date: str) -> datetime | None:
    try:
        when = parsedate_to_datetime(date)
    except (ValueError, TypeError):
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _duration(text: str) -> float | None:
    """Return the seconds in '7h12m0s', '20ms' or '1 minute 20 seconds'."""
    times = _DURATIONS.findall(text)
    return sum(_count(number) * _unit(unit.lower()) for number, unit in times) if times else None


def _count(number: str) -> float:
    return float(number) if number[0].isdigit() else 1.0


def _unit(name: str) -> float:
    return _UNITS["ms"] if name.startswith("milli") else _UNITS.get(name) or _UNITS[name[0]]


def _in_text(text: str) -> float | None:
    """Return the wait in an error message ('Please try again in 1m 20s') or in a field of it ('retryDelay': '34s')."""
    if found := _WAIT.search(text):
        return _duration(found[1])
    if found := _SECONDS_FIELD.search(text):
        return _reset(found[1])
    if found := _DATE.search(text):
        return _until(found[1].replace(" at ", "T"))
    return _until_epoch(float(found[1])) if (found := _EPOCH.search(text)) else None


def _resets(headers: Mapping[str, str]) -> Iterator[float]:
    """Yield the waits until exhausted limits reset, given as a duration, in seconds, as an epoch time or as a date."""
    for name, value in headers.items():
        low = name.lower()
        if "ratelimit" not in low.replace("rate-", "rate") or "reset" not in low:
            continue
        # Providers name the reset of every limit; only a limit with nothing remaining is a reason to wait. A plain
        # 'X-RateLimit-Reset' without the matching 'Remaining' header counts as exhausted.
        remaining = headers.get(low.replace("reset", "remaining"), "0" if low.endswith("limit-reset") else "")
        if _number(remaining) == 0 and (wait := _reset(value.strip())) is not None:
            yield wait


def _reset(value: str) -> float | None:
    number = _number(value)
    if number is None:
        return _until(value) or _duration(value)
    return number if number < _MAX_WAIT_SECONDS else _until_epoch(number)


def _until_epoch(number: float) -> float | None:
    """Return the seconds until an epoch time in seconds or milliseconds; None if it is past."""
    at = number / 1000 if number > _MAX_EPOCH_SECONDS else number
    wait = at - datetime.now(UTC).timestamp()
    return wait if wait > 0 else None
