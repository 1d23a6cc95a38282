"""Measure how many milliseconds of CPU time it takes to choose the passages for a model.

    python bench/selection.py [DIRECTORY ...]

Each directory contains the HTML files of one company's website. The script uses the first 80 files of each directory.
The default directories are posthog.com and supabase.com in ../shared/sites. To show whether the time grows linearly,
the script also measures a site with 5,000 near-identical passages, and pages with 100,000 and 500,000 characters.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from octave_mcp.domain.company import Company
from octave_mcp.domain.evidence import Passage
from octave_mcp.domain.page import Page, PageRef, Structured
from octave_mcp.evidence.interest import Interest
from octave_mcp.evidence.passages import passages
from octave_mcp.evidence.selection import selected
from octave_mcp.sources.html.extraction import page_of

SITES = Path(__file__).parents[2] / "shared" / "sites"
PAGES, CHARACTERS, RUNS = 80, 30_000, 9
READ_ON = datetime(2026, 1, 1, tzinfo=UTC)
INTEREST = Interest(
    "They migrate to Postgres, care for open source and hire in Berlin", "Acme", "Analytics for products"
)


def main(sites: Sequence[str]) -> None:
    folders = [Path(site) for site in sites] or [SITES / "posthog.com", SITES / "supabase.com"]
    total = sum(_report(folder.name, _of_site(folder)) for folder in folders)
    print(f"{'both' if len(folders) == 2 else 'all'}: {total:.0f} ms")
    _report("5,000 near-identical passages", _of_texts([_near_identical(5000)]))
    for size in (100_000, 500_000):
        _report(f"a page of {size:,} characters", _of_texts([_long(size)]))


def _report(name: str, found: list[Passage]) -> float:
    # Report the fastest measurement, because other processes can only make a measurement slower.
    times = sorted(_milliseconds(found) for _ in range(RUNS))
    print(f"{name}: {len(found)} passages, {times[0]:.0f} ms")
    return times[0]


def _milliseconds(found: list[Passage]) -> float:
    start = time.process_time()
    selected(found, INTEREST, CHARACTERS)
    return 1000 * (time.process_time() - start)


def _of_site(folder: Path) -> list[Passage]:
    company = Company(role="vendor", domain=folder.name, url=f"https://{folder.name}")
    files = sorted(file for file in folder.rglob("*.html") if file.name != "404.html")[:PAGES]
    pages = (
        page_of(file.read_text("utf-8"), f"{company.url}/{file.relative_to(folder).parent}", company, READ_ON)
        for file in files
    )
    return [passage for page in pages for passage in passages(page)]


def _of_texts(texts: Sequence[str]) -> list[Passage]:
    return [passage for at, text in enumerate(texts) for passage in passages(_page(at, text))]


def _page(at: int, text: str) -> Page:
    url, digest = f"https://lumenforge.example/{at}", sha256(text.encode()).hexdigest()
    ref = PageRef(url=url, sha256=digest, title="Lamps", kind="other", language="en", fetched_at=READ_ON)
    return Page(ref=ref, text=text, structured=Structured())


def _near_identical(count: int) -> str:
    return "\n\n".join(
        f"## Lamp {n}\n\nLamp {_word(n)} lights a hall for {n} hours and leaves soon." for n in range(count)
    )


def _long(size: int) -> str:
    return "\n\n".join(_sentences(size))


def _sentences(size: int) -> Iterator[str]:
    written, n = 0, 0
    while written < size:
        sentence = (
            f"We built {_word(n)} with {_word(7 * n + 1)} for {n} customers of {_word(3 * n + 2)} in {_word(n + 9)}."
        )
        yield sentence
        written, n = written + len(sentence) + 2, n + 1


def _word(number: int) -> str:
    return "".join("abcdefghij"[int(digit)] for digit in str(number * 7919))


if __name__ == "__main__":
    main(sys.argv[1:])
