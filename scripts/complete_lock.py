"""Add the same entry without extras to each entry of a lock that names some, such as `pydantic[email]==2.14.3`.

    python scripts/complete_lock.py LOCK...

pip needs both pinned, because packages depend on both; uv writes only one of them.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

WITH_EXTRAS = re.compile(r"^([\w.-]+)\[[^\]]+\](==.*\n(?: .*\n)*)", re.MULTILINE)


def main() -> None:
    for lock in map(Path, sys.argv[1:]):
        lock.write_text(WITH_EXTRAS.sub(lambda entry: entry[1] + entry[2] + entry[0], lock.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
