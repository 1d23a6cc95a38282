"""In a lock file, repeat each requirement that has extras as a requirement without extras.

    python scripts/complete_lock.py LOCK...

For example, an entry `pydantic==2.14.3` is added for `pydantic[email]==2.14.3`. A lock file from uv contains only the
requirement with extras, but pip needs a pinned version of both requirements, because packages can depend on either of
them.
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
