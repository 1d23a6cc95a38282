"""Page text is hostile: no pattern of ours may take its time over any line of it."""

from __future__ import annotations

import subprocess
import sys

LONGEST_SECONDS = 60
"""For all patterns over all lines; a pattern that backtracks without end takes for ever over one."""

TRIAL = """
import importlib, pkgutil, re
import octave_mcp
from octave_mcp.models.extractive.reading import LONGEST_LINE

def patterns(found):
    if isinstance(found, re.Pattern):
        yield found
    elif isinstance(found, dict):
        for part in found.values():
            yield from patterns(part)
    elif isinstance(found, (tuple, list)):
        for part in found:
            yield from patterns(part)

units = ("a", "A", " ", "-", "aa ", "Aa ", "Ab, ", "a-", "1", "1,", "1.1", "we ", "aa --- ", '"', "“a”", "(", "a.b ")
ends = ("", "!", " vs", "?")
lines = [unit * (LONGEST_LINE // len(unit)) + end for unit in units for end in ends]
lines += ["Understanding " + "a" * 64 + "!", "aa " + "-" * 30 + " bb cc dd ee ff gg", "How " + "Aa " * 60 + "!"]
seen = set()
for module in pkgutil.walk_packages(octave_mcp.__path__, "octave_mcp."):
    if module.name.endswith("__main__"):
        continue
    for found in vars(importlib.import_module(module.name)).values():
        for pattern in patterns(found):
            if isinstance(pattern.pattern, str) and pattern not in seen:
                seen.add(pattern)
                for line in lines:
                    pattern.search(line)
print(len(seen))
"""


def test_no_pattern_takes_its_time_over_a_hostile_line() -> None:
    tried = subprocess.run(
        [sys.executable, "-c", TRIAL], capture_output=True, text=True, timeout=LONGEST_SECONDS, check=True
    )
    assert int(tried.stdout) > 100
