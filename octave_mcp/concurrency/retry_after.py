"""How long a server asks its callers to wait before the next try."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_TIME = re.compile(r"(\d+(?:\.\d+)?)\s?(ms|[smh])", re.IGNORECASE)
_WAIT = re.compile(rf"(?:retry|try again) (?:in|after) ((?:{_TIME.pattern}[a-z]*\s?)+)", re.IGNORECASE)


def retry_after_seconds(headers: Mapping[str, str], text: str = "") -> float | None:
    """The wait named in the headers (milliseconds, seconds or a date), or else in the text; None if there is none."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after", "").strip()
    seconds = _number(value)
    return next((wait for wait in (seconds, _until(value), _in_text(text)) if wait is not None), None)


def _number(value: str) -> float | None:
    try:
        return max(0.0, float(value))
    except ValueError:
        return None


def _until(date: str) -> float | None:
    """The seconds until an HTTP date. None if it is past: clocks differ, and not waiting at all would be too short."""
    try:
        wait = (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
    return wait if wait > 0 else None


def _in_text(text: str) -> float | None:
    """The wait in an error message: 'Please try again in 1m 20s'."""
    if not (found := _WAIT.search(text)):
        return None
    return sum(float(number) * _UNITS[unit.lower()] for number, unit in _TIME.findall(found[1]))
