"""Compare the text that is extracted from web pages with the main content that people marked, and measure the CPU time.

    python bench/extraction.py [MODULE:FUNCTION]

The web pages are read from ../shared/wcxb. FUNCTION names a Python function that takes HTML and returns text. By
default, the script tests the product's own function. The script prints the scores for all pages, for the pages of the
kind "service", and for two groups of these pages. A hash of the page id puts a third of the pages into the group "held
out", and the others into the group "tuned on". However, some of the held-out pages were used to tune the extraction
rules. The scores are the precision, recall and F1 of the extracted words, averaged over the pages.
"""

from __future__ import annotations

import gzip
import importlib
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from statistics import fmean

PAGES = Path(__file__).parents[2] / "shared" / "wcxb"
OURS = "octave_mcp.sources.html.extraction:main_text"
# Matches the target of a Markdown link, such as `](/pricing "Plans")` in `[Pricing](/pricing "Plans")`. Remove link
# targets before comparing, because the marked content has only the text of links.
LINK_TARGET = re.compile(r"\]\([^)\s]*(?:\s+\"[^\"]*\")?\)")
# If the recall of a page is below this value, the report counts the page as lost.
MIN_RECALL = 0.5

Extract = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Marked:
    """A page, the main content that people marked in it, and snippets of its boilerplate."""

    id: str
    kind: str
    html: str
    content: str
    boilerplate: tuple[str, ...]

    @property
    def held_out(self) -> bool:
        return sha256(self.id.encode()).digest()[0] % 3 == 0


@dataclass(frozen=True, slots=True)
class Score:
    page: Marked
    precision: float
    recall: float
    leaked: float
    seconds: float

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def marked_pages() -> Iterator[Marked]:
    for file in sorted((PAGES / "truth").glob("*.json")):
        truth = json.loads(file.read_text())
        html = gzip.decompress((PAGES / "html" / f"{file.stem}.html.gz").read_bytes()).decode("utf-8", "replace")
        yield Marked(file.stem, truth["type"], html, truth["main_content"], tuple(truth["without"]))


def scored(page: Marked, extract: Extract) -> Score:
    started_at = time.process_time()
    text = extract(page.html) or ""
    seconds = time.process_time() - started_at
    extracted, expected = _words(text), _words(page.content)
    shared = (extracted & expected).total()
    leaked = [snippet.lower() in text.lower() for snippet in page.boilerplate]
    return Score(
        page,
        precision=shared / max(1, extracted.total()),
        recall=shared / max(1, expected.total()),
        leaked=fmean(leaked) if leaked else 0.0,
        seconds=seconds,
    )


def _words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", LINK_TARGET.sub("]", text).lower()))


def row(name: str, scores: Iterable[Score]) -> str:
    scores = list(scores)
    means = (fmean(values) for values in zip(*((s.f1, s.precision, s.recall, s.leaked) for s in scores), strict=True))
    lost = sum(score.recall < MIN_RECALL for score in scores)
    cpu = 1000 * fmean(score.seconds for score in scores)
    return f"| {name} | {len(scores)} | {' | '.join(f'{mean:.3f}' for mean in means)} | {lost} | {cpu:.1f} |"


def main() -> None:
    module, _, name = (sys.argv[1] if len(sys.argv) > 1 else OURS).partition(":")
    extract: Extract = getattr(importlib.import_module(module), name)
    scores = [scored(page, extract) for page in marked_pages()]
    service = [score for score in scores if score.page.kind == "service"]
    print(
        "| pages | number | F1 | precision | recall | boilerplate | lost | CPU ms |\n|---|---|---|---|---|---|---|---|"
    )
    print(row("service, tuned on", (score for score in service if not score.page.held_out)))
    print(row("service, held out", (score for score in service if score.page.held_out)))
    print(row("service", service))
    print(row("all kinds", scores))


if __name__ == "__main__":
    main()
