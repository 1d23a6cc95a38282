"""A local server that imitates Firecrawl. It reads the benchmark's websites, whose pages load as slowly as real ones.

    python bench/firecrawl_service.py

The program prints its URL, and runs until stdin is closed.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from firecrawl_double import Body, Double  # noqa: E402 - see above

BROWSERS = 10


class Firecrawl(Double):
    """The double of the tests, except that a job reads its pages side by side, as Firecrawl does."""

    def start(self, body: Body) -> Body:
        started = super().start(body)
        job = self.jobs[started["id"]]
        with ThreadPoolExecutor(BROWSERS) as browsers:
            job.documents = list(browsers.map(self.document, job.urls))
        job.status = "completed"
        return started


def main() -> None:
    double = Firecrawl()
    double.parts = 100
    print(json.dumps(double.url), flush=True)
    sys.stdin.read()
    double.close()


if __name__ == "__main__":
    main()
