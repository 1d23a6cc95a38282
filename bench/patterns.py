"""How long our patterns take for hostile lines: the slowest, and by how much longer if the line has twice the length.

    python bench/patterns.py [CHARACTERS]

Each line repeats one text up to that many characters, 100,000 unless said otherwise; for the extractive model up to its
longest line. `tests/test_hostile_text.py` works out from the patterns themselves that time grows with length, not
faster; this measures it.
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

from octave_mcp.models.extractive.typed_lines import LONGEST_LINE  # noqa: E402

SHOWN = 10
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
    slowest = sorted((slow(one, length) for one in used), reverse=True)
    print(f"{len(used)} patterns, {len(UNITS)} lines of {length:,} characters")
    for seconds, unit, one in slowest[:SHOWN]:
        half = seconds_of(one, unit, allowed(one, length) // 2)
        print(f"{seconds * 1000:8.1f} ms, {seconds / half:.1f} times half the line: {unit!r} {one.where} {one.method}")


def slow(one: Used, length: int) -> tuple[float, str, Used]:
    """The time for the line that takes longest."""
    return max((seconds_of(one, unit, allowed(one, length)), unit, one) for unit in UNITS)


def allowed(one: Used, length: int) -> int:
    return min(length, LONGEST_LINE) if one.where.startswith(EXTRACTIVE) else length


def seconds_of(one: Used, unit: str, length: int) -> float:
    pattern: re.Pattern[Any] = one.pattern
    line = f"{unit * (length // len(unit))}!\n?"
    text = line.encode() if isinstance(pattern.pattern, bytes) else line
    began = time.thread_time()
    if one.method in {"sub", "subn", "split", "findall", "finditer"}:
        pattern.findall(text)
    else:
        getattr(pattern, one.method, pattern.search)(text)
    return time.thread_time() - began


if __name__ == "__main__":
    main()
