"""For each requirement with extras, such as `pydantic[email]`, add the plain requirement to the lock file.

    python scripts/complete_lock.py LOCK...

For example, an entry `pydantic==2.14.3` is added for `pydantic[email]==2.14.3`. A lock file from uv contains only the
requirement with extras. But pip needs both to be pinned, because one package can depend on `pydantic[email]`, and
another package on `pydantic`.
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
