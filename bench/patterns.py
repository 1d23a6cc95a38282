"""Measure how long our regular expressions take to search hostile lines of text.

    python bench/patterns.py [CHARACTERS]

Each line repeats a short text up to a length of CHARACTERS (100,000 by default). The extractive model skips lines that
are longer than MAX_LINE_CHARACTERS, so the script tests the patterns of this model only with lines up to that length.
For each of the slowest patterns, the script divides the time for the whole line by the time for half of the line. A
quotient of 2 means that the time grows linearly. `tests/test_hostile_text.py` finds slow patterns by analysing them,
without measuring times.
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
# Short texts that the hostile lines repeat. Many of these texts are the start of something that our patterns match,
# such as a link, a number or a name.
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
    """Return the time for the slowest line, and the short text that is repeated in it."""
    return max((seconds_of(use, unit, line_length(use, length)), unit, use) for unit in UNITS)


def line_length(use: Used, length: int) -> int:
    return min(length, MAX_LINE_CHARACTERS) if use.where.startswith(EXTRACTIVE) else length


def seconds_of(use: Used, unit: str, length: int) -> float:
    pattern: re.Pattern[Any] = use.pattern
    # End the line with other characters, so that a pattern can still fail after it has matched the repetitions. The
    # pattern then has to backtrack.
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
