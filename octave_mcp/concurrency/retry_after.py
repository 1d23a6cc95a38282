"""Find out how long a server asks its clients to wait before a retry."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
# Matches durations such as '7h12m0s', '20ms', '1 minute' or 'an hour'. The unit must not be the start of a longer word:
# '8 heads' does not mean 8 hours.
_DURATION = (
    r"((?<!\d)\d+(?:\.\d+)?|an?\b|one)\s?"
    r"(ms|milli\w*+|s(?:ec\w*+)?|m(?:in\w*+)?|h(?:ours?|rs?)?|d(?:ays?)?)(?![a-z])"
)
_DURATIONS = re.compile(_DURATION, re.IGNORECASE)
# Matches requests to wait, such as 'Please try again in 1m 20s', 'Rate limit resets in 45 seconds' or '"retryDelay":
# "34s"'.
_WAIT = re.compile(
    r"(?:try again|retry|retry[-_ ]?(?:after|delay)['\"]?[:=]|retry your request|\bwait|resets?|available(?: again)?"
    r"|next request)(?: again)?(?: in| after| for)?(?: at least)? ?"
    rf"(?:about |approximately )?['\"]?((?:{_DURATION}(?:,? and |,? )?)+)",
    re.IGNORECASE,
)
# Error fields whose values have no unit, such as '"retry_after": 30' or '"estimated_time": 20.5'. The values are in
# seconds, as in the Retry-After header.
_SECONDS_FIELD = re.compile(
    r"(?:retry[-_]?(?:after|delay)(?:_?seconds)?|estimated_time)['\"]?[:=] ?"
    r"['\"]?(\d+(?:\.\d+)?)(?=['\",} ]|$)",
    re.IGNORECASE,
)
# Matches dates from which a retry is allowed, as in 'You will regain access on 2026-01-01 at 00:00 UTC' or 'try again
# after Wed, 21 Oct 2026 07:28:00 GMT'.
_DATE = re.compile(
    r"(?:try again|retry|resets?|wait|available|access)(?: again)?(?: at| after| on| until)? "
    r"(\d{4}-\d\d-\d\d(?:[T ]| at )\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|\w{3}, \d\d? \w{3} \d{4} \d\d:\d\d:\d\d GMT)",
    re.IGNORECASE,
)
# Some gateways quote the rate limit header in the error body: '"X-RateLimit-Reset": "1767225600000"'.
_EPOCH = re.compile(r"x-ratelimit-reset['\"]?[:=] ?['\"]?(\d{10,13})\b", re.IGNORECASE)
# If a number of seconds is larger than this, it is an epoch time, because no server asks clients to wait for more than
# a year.
_MAX_WAIT_SECONDS = 366 * 86_400.0
# If an epoch time is larger than this, it is in milliseconds, because in seconds it would be after the year 5138.
_MAX_EPOCH_SECONDS = 1e11


def retry_after_seconds(headers: Mapping[str, str], text: str = "") -> float | None:
    """Return the seconds to wait before a retry, or None if the response specifies no wait.

    The `Retry-After` headers take precedence over the text. The `Retry-After` headers contain milliseconds, seconds or
    a date. If the text states a wait, the headers about exhausted rate limits are ignored.
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after", "").strip()
    # Repeated headers arrive as one value with commas ('30, 30'). The whole value is tried first, because a date also
    # contains a comma.
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

    Return None for a date in the past, so that the caller uses its default wait. A date in the past can result from a
    wrong clock.
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
    """Return the length in seconds of durations such as '7h12m0s', '20ms' or '1 minute 20 seconds'."""
    times = _DURATIONS.findall(text)
    return sum(_count(number) * _unit(unit.lower()) for number, unit in times) if times else None


def _count(number: str) -> float:
    return float(number) if number[0].isdigit() else 1.0


def _unit(name: str) -> float:
    return _UNITS["ms"] if name.startswith("milli") else _UNITS.get(name) or _UNITS[name[0]]


def _in_text(text: str) -> float | None:
    """Return the wait that an error text requests, such as 'Please try again in 1m 20s' or '"retryDelay": "34s"'."""
    if found := _WAIT.search(text):
        return _duration(found[1])
    if found := _SECONDS_FIELD.search(text):
        return _reset(found[1])
    if found := _DATE.search(text):
        return _until(found[1].replace(" at ", "T"))
    return _until_epoch(float(found[1])) if (found := _EPOCH.search(text)) else None


def _resets(headers: Mapping[str, str]) -> Iterator[float]:
    """Yield the seconds until each exhausted rate limit resets.

    Depending on the provider, the headers contain a duration, a number of seconds, an epoch time or a date.
    """
    for name, value in headers.items():
        low = name.lower()
        if "ratelimit" not in low.replace("rate-", "rate") or "reset" not in low:
            continue
        # Some providers send a reset time for every rate limit, but the caller has to wait only for exhausted limits.
        # If a header such as 'X-RateLimit-Reset' has no matching 'Remaining' header, count its limit as exhausted.
        remaining = headers.get(low.replace("reset", "remaining"), "0" if low.endswith("limit-reset") else "")
        if _number(remaining) == 0 and (wait := _reset(value.strip())) is not None:
            yield wait


def _reset(value: str) -> float | None:
    number = _number(value)
    if number is None:
        return _until(value) or _duration(value)
    return number if number < _MAX_WAIT_SECONDS else _until_epoch(number)


def _until_epoch(number: float) -> float | None:
    """Return the seconds until an epoch time, which is in seconds or milliseconds.

    Return None for a time in the past.
    """
    at = number / 1000 if number > _MAX_EPOCH_SECONDS else number
    wait = at - datetime.now(UTC).timestamp()
    return wait if wait > 0 else None
