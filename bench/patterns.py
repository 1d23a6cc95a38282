"""Measure how long our regular expressions take on hostile lines, and whether the time grows faster than linearly.

    python bench/patterns.py [CHARACTERS]

Each line repeats a short text up to a length of CHARACTERS (100,000 by default). The extractive model skips longer
lines than MAX_LINE_CHARACTERS, so its patterns are only tested up to that length. The script prints the slowest
patterns, each with the ratio of its time for the whole line to its time for half the line. A ratio of 2 means linear
time. `tests/test_hostile_text.py` derives the growth from the patterns themselves, without timing them.
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from test_hostile_text import EXTRACTIVE, Used, compiled, inline  # noqa: E402 - the tests are no package

from octave_mcp.models.extractive.typed_lines import MAX_LINE_CHARACTERS  # noqa: E402

SHOWN = 10
# Texts with which matches of our patterns can start, such as markup, links, quotations, numbers, names and phrases.
UNITS = (
    *(
        "a",
        "A",
        "1",
        " ",
        "-",
        "(",
        "[",
        "](",
        "{{",
        '"',
        "“",
        "<a ",
        "\\",
        "|",
        "a-",
        "1,",
        "1.1",
        "A.",
        "a@",
        "“a”",
        "\n",
    ),
    *(
        "aa ",
        "Aa ",
        "Ab, ",
        "we ",
        "how-",
        "top",
        "로딩 ",
        "aa --- ",
        "/aa",
        "k+",
        "https://a.b ",
        "Head of ",
        "not ",
        "to ",
    ),
)


def main() -> None:
    length = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    used = {*compiled("octave_mcp"), *inline("octave_mcp")}
    slowest = sorted((slowest_line(use, length) for use in used), reverse=True)
    print(f"{len(used)} patterns, {len(UNITS)} lines of {length:,} characters")
    for seconds, unit, use in slowest[:SHOWN]:
        half = seconds_of(use, unit, line_length(use, length) // 2)
        print(f"{seconds * 1000:8.1f} ms, {seconds / half:.1f} times half the line: {unit!r} {use.where} {use.method}")


def slowest_line(use: Used, length: int) -> tuple[float, str, Used]:
    """Return the time for the line that takes longest, and the text that this line repeats."""
    return max((seconds_of(use, unit, line_length(use, length)), unit, use) for unit in UNITS)


def line_length(use: Used, length: int) -> int:
    return min(length, MAX_LINE_CHARACTERS) if use.where.startswith(EXTRACTIVE) else length


def seconds_of(use: Used, unit: str, length: int) -> float:
    pattern: re.Pattern[Any] = use.pattern
    # The line ends differently, so that a pattern that has matched all the repeated text must fail or backtrack.
    line = f"{unit * (length // len(unit))}!\n?"
    text = line.encode() if isinstance(pattern.pattern, bytes) else line
    started_at = time.thread_time()
    if use.method in {"sub", "subn", "split", "findall", "finditer"}:
        pattern.findall(text)
    else:
        getattr(pattern, use.method, pattern.search)(text)
    return time.thread_time() - started_at


if __name__ == "__main__":
    main()
