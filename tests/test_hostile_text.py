"""Page text is hostile: none of our patterns takes long for a line that is crafted to be slow."""

from __future__ import annotations

import importlib
import math
import pkgutil
import re
import signal
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, cast

import pytest

import octave_mcp
from octave_mcp.models.extractive.reading import LONGEST_LINE

SHORT_LINE, LONG_LINE = 100, 200
"""Characters. Real lines are longer, but a pattern that is slow on them already shows it here."""
FREE_SECONDS = 0.002
"""CPU time below which growth is not checked."""
MOST_GROWTH = 6
"""Allowed factor in time when a line doubles in length: linear time gives 2, quadratic 4, cubic 8."""
MOST_SECONDS = 0.2
"""CPU time for one pattern and one line. Catastrophic backtracking would take far longer."""

MOST_SECONDS_FOR_ALL_LINES = 60
"""CPU time for one pattern and all lines of `LONGEST_LINE` characters."""

TRIES = 3
"""A line is slow if each of these trials finds it slow."""
MEASUREMENTS, MOST_MEASUREMENTS = 3, 30
"""How often each line is searched to compare its growth, and how often at most while it seems too large."""

UNITS = ("a", "A", " ", "-", "aa ", "Aa ", "Ab, ", "a-", "1", "1,", "1.1", "we ", "aa --- ", '"', "“a”", "(", "a.b ")
ENDS = ("", "!", " vs", "?")

Line = tuple[str, str]
"""A line, and the same line at twice the length."""
REPEATED = [("", unit, end) for unit in UNITS for end in ENDS] + [
    ("Understanding ", "a", "!"),
    ("aa ", "-", " bb cc dd ee ff gg"),
    ("How ", "Aa ", "!"),
]
LINES: list[Line] = [
    (begin + unit * (SHORT_LINE // len(unit)) + end, begin + unit * (LONG_LINE // len(unit)) + end)
    for begin, unit, end in REPEATED
]


class TooSlow(Exception):
    """One search took more than `MOST_SECONDS` of CPU time."""


@contextmanager
def cpu_limit(seconds: float) -> Generator[None]:
    """Raises `TooSlow` after this much CPU time, even during a search: `re` handles signals while it backtracks."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def cpu_seconds(pattern: re.Pattern[str], text: str) -> float:
    began = time.thread_time()
    pattern.search(text)
    return time.thread_time() - began


def slow_lines(pattern: re.Pattern[str]) -> Iterator[Line]:
    return (line for line in LINES if all(_is_slow(pattern, *line) for _ in range(TRIES)))


def _is_slow(pattern: re.Pattern[str], short: str, long: str) -> bool:
    """Compares the fastest searches so far. On a busy virtual machine, single measurements may be far too long."""
    short_took = long_took = math.inf
    try:
        with cpu_limit(MOST_SECONDS):
            for measured in range(1, MOST_MEASUREMENTS + 1):
                long_took = min(long_took, cpu_seconds(pattern, long))
                short_took = min(short_took, cpu_seconds(pattern, short))
                if long_took <= FREE_SECONDS or (measured >= MEASUREMENTS and long_took <= MOST_GROWTH * short_took):
                    return False
    except TooSlow:
        pass
    return True


def patterns_in(found: object) -> Iterator[re.Pattern[str]]:
    if isinstance(found, re.Pattern):
        pattern = cast("re.Pattern[Any]", found)
        if isinstance(pattern.pattern, str):
            yield pattern
    elif isinstance(found, dict):
        for part in cast("dict[object, object]", found).values():
            yield from patterns_in(part)
    elif isinstance(found, tuple | list):
        for part in cast("tuple[object, ...]", found):
            yield from patterns_in(part)


def all_patterns() -> set[re.Pattern[str]]:
    """The patterns in module-level constants of the product."""
    names = [module.name for module in pkgutil.walk_packages(octave_mcp.__path__, "octave_mcp.")]
    modules = [importlib.import_module(name) for name in names if not name.endswith("__main__")]
    return {pattern for module in modules for found in vars(module).values() for pattern in patterns_in(found)}


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no timer of CPU time")


def test_no_pattern_takes_long_over_a_hostile_line() -> None:
    patterns = all_patterns()

    assert [(pattern.pattern, line) for pattern in patterns for line in slow_lines(pattern)] == []
    assert len(patterns) > 100


@pytest.mark.long
def test_no_pattern_takes_long_over_a_hostile_line_of_the_maximum_length() -> None:
    lines = [begin + unit * (LONGEST_LINE // len(unit)) + end for begin, unit, end in REPEATED]
    for pattern in all_patterns():
        with cpu_limit(MOST_SECONDS_FOR_ALL_LINES):
            for line in lines:
                pattern.search(line)


@pytest.mark.parametrize("slow", [r"(a+)+$", r"(?:a|aa)+$", r"a*a*a*a*b", r"(?:\w+\s?)+:"])
def test_a_pattern_that_backtracks_is_found(slow: str) -> None:
    assert any(slow_lines(re.compile(slow)))
