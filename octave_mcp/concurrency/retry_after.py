"""How long a server asks its callers to wait before the next try."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_TIME = (
    r"((?<!\d)\d+(?:\.\d+)?|an?\b|one)\s?"
    r"(ms|milli\w*+|s(?:ec\w*+)?|m(?:in\w*+)?|h(?:ours?|rs?)?|d(?:ays?)?)(?![a-z])"
)
_TIMES = re.compile(_TIME, re.IGNORECASE)
_WAIT = re.compile(
    r"(?:try again|retry|retry[-_ ]?(?:after|delay)['\"]?[:=]|retry your request|\bwait|resets?|available(?: again)?"
    r"|next request)(?: again)?(?: in| after| for)?(?: at least)? ?"
    rf"(?:about |approximately )?['\"]?((?:{_TIME}(?:,? and |,? )?)+)",
    re.IGNORECASE,
)
_BARE = re.compile(
    r"(?:retry[-_]?(?:after|delay)(?:_?seconds)?|estimated_time)['\"]?[:=] ?"
    r"['\"]?(\d+(?:\.\d+)?)(?=['\",} ]|$)",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"(?:try again|retry|resets?|wait|available|access)(?: again)?(?: at| after| on| until)? "
    r"(\d{4}-\d\d-\d\d(?:[T ]| at )\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|\w{3}, \d\d? \w{3} \d{4} \d\d:\d\d:\d\d GMT)",
    re.IGNORECASE,
)
_EPOCH = re.compile(r"x-ratelimit-reset['\"]?[:=] ?['\"]?(\d{10,13})\b", re.IGNORECASE)
_A_YEAR = 366 * 86_400.0
# Times since 1970 above this are in milliseconds, others in seconds.
_MILLISECONDS_SINCE_1970 = 1e11


def retry_after_seconds(headers: Mapping[str, str], text: str = "") -> float | None:
    """The wait given by `Retry-After` (milliseconds, seconds or a date), by the text, or by the rate limits used up.

    None if there is none.
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after", "").strip()
    waits = (_reset(value), _reset(value.partition(",")[0]), _in_text(text), max(_resets(headers), default=None))
    return next((wait for wait in waits if wait is not None), None)


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return max(0.0, number) if math.isfinite(number) else None


def _until(date: str) -> float | None:
    """The seconds until an HTTP or ISO 8601 date.

    None if it is past: clocks differ, and not waiting at all would be too short.
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
    """The seconds in '7h12m0s', '20ms' or '1 minute 20 seconds'."""
    times = _TIMES.findall(text)
    return sum(_count(number) * _unit(unit.lower()) for number, unit in times) if times else None


def _count(number: str) -> float:
    return float(number) if number[0].isdigit() else 1.0


def _unit(name: str) -> float:
    return _UNITS["ms"] if name.startswith("milli") else _UNITS.get(name) or _UNITS[name[0]]


def _in_text(text: str) -> float | None:
    """The wait in an error message ('Please try again in 1m 20s') or in a field of its body ('retryDelay': '34s')."""
    if found := _WAIT.search(text):
        return _duration(found[1])
    if found := _BARE.search(text):
        return _reset(found[1])
    if found := _DATE.search(text):
        return _until(found[1].replace(" at ", "T"))
    return _of_epoch(float(found[1])) if (found := _EPOCH.search(text)) else None


def _resets(headers: Mapping[str, str]) -> Iterator[float]:
    """The waits until used-up limits reset, given as a duration, in seconds, as a time since 1970, or as a date."""
    for name, value in headers.items():
        low = name.lower()
        if "ratelimit" not in low.replace("rate-", "rate") or "reset" not in low:
            continue
        left = headers.get(low.replace("reset", "remaining"), "0" if low.endswith("limit-reset") else "")
        if _number(left) == 0 and (wait := _reset(value.strip())) is not None:
            yield wait


def _reset(value: str) -> float | None:
    number = _number(value)
    if number is None:
        return _until(value) or _duration(value)
    return number if number < _A_YEAR else _of_epoch(number)


def _of_epoch(number: float) -> float | None:
    """The seconds until a time in seconds or milliseconds since 1970; None if it is past."""
    at = number / 1000 if number > _MILLISECONDS_SINCE_1970 else number
    wait = at - datetime.now(UTC).timestamp()
    return wait if wait > 0 else None
