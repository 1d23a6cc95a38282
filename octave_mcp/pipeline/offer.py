"""A summary of what the vendor sells, taken from its home page before any other page is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from octave_mcp.domain.company import Site
from octave_mcp.domain.evidence import Passage
from octave_mcp.domain.names import normal
from octave_mcp.evidence.passages import passages
from octave_mcp.evidence.screening import screened

MAX_CHARACTERS = 500
# If the description and headings have fewer characters than this, sentences of the page are added.
MIN_CHARACTERS = 120
# Maximum number of words in a heading. Longer headings are usually titles of customer stories or news, which do not
# describe an offer.
MAX_HEADING_WORDS = 10
DESCRIPTION = "Description"
SENTENCE_ENDS = (".", "!", "?", "。", "\uff01", "\uff1f", "…", ":")
# Headings to skip, because they only label a section and say nothing about the company.
LABELS = frozenset(
    label.strip()
    for label in """
    features|products|product|platform|solutions|services|customers|our customers|customer stories|case studies|clients
    links|key differentiators|differentiators|resources|company|about|about us|contact|contact us|blog|news|latest news
    pricing|plans|faq|faqs|frequently asked questions|testimonials|trusted by|get started|getting started|benefits
    how it works|learn more|use cases|integrations|partners|our partners|team|careers|home|overview|introduction
    documentation|docs|support|community|legal|follow us|subscribe|newsletter|简介|产品|客户|文档|联系我们|关于我们
    """.replace("\n", "|").split("|")
)


def offer(sites: Iterable[Site]) -> str:
    """Return the description and headings of the vendor's home page, or '' if the page has none.

    If the description and headings are short, return the description and sentences of the page instead.
    """
    home = next(site.home for site in sites if site.company.role == "vendor")
    shown = screened(passages(home))
    short = _cut(_described(shown))
    return short if len(short) >= MIN_CHARACTERS else _cut((*_described(shown), *_sentences(shown)))


def _described(shown: Sequence[Passage]) -> Iterator[str]:
    yield from (passage.text for passage in shown if passage.label == DESCRIPTION)
    yield from (passage.heading for passage in shown if not passage.where and _says_something(passage.heading))


def _says_something(heading: str) -> bool:
    is_story = len(heading.split()) > MAX_HEADING_WORDS or normal(heading).startswith("how ")
    return not is_story and normal(heading).strip(" .:!?") not in LABELS


def _sentences(shown: Sequence[Passage]) -> Iterator[str]:
    for passage in shown:
        if not passage.where:
            # Skip text without a full stop or other end mark, because it is usually a label or a list entry.
            sentences = (passage.sentence(number) for number in range(1, len(passage.sentences) + 1))
            yield from (sentence for sentence in sentences if sentence.endswith(SENTENCE_ENDS))


def _cut(parts: Iterable[str]) -> str:
    text = ""
    for part in dict.fromkeys(" ".join(part.split()) for part in parts):
        if part and len(text) + len(part) < MAX_CHARACTERS:
            text = f"{text} {part}".strip() if part.endswith(SENTENCE_ENDS) else f"{text} {part}.".strip()
    return text
