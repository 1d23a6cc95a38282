"""What a page says twice: copies for narrow screens and repeated slides go; equal values of a grid or of plans stay."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

from octave_mcp.sources.html.tree import Element, word_count

MIN_WORDS_OF_COPY = 6
MAX_WORDS_OF_FEATURE = 15
# In the classes of parts that are shown on some screens only.
SCREEN = re.compile(
    r"(?<![a-z])(?:mobile|desktop|tablet|phone|hidden|hide|show|visible|invisible|only|xs|sm|md|lg|xl|d-none|small|large)"
    r"(?![a-z])"
)


class Said(Protocol):
    @property
    def kind(self) -> str: ...
    @property
    def text(self) -> str: ...


Part = TypeVar("Part", bound=Said)


def is_copy(blocks: Sequence[Said], before: Sequence[Said], element: Element, sibling: Element | None) -> bool:
    """Whether two elements, one right after the other, are one part for two kinds of screens.

    Two short values are not, as in a row that says 'Unlimited' of two plans, unless their classes speak of screens.
    """
    if not blocks or list(blocks) != list(before):
        return False
    if any(block.kind != "text" or word_count(block.text) >= MIN_WORDS_OF_COPY for block in blocks):
        return True
    names = (element.name, sibling.name if sibling else "")
    return names[0] != names[1] and any(map(SCREEN.search, names))


def once(blocks: Sequence[Part]) -> Iterator[Part]:
    """Without what was said before of the same thing. What is short may be said of many, and a feature of two plans."""
    said: dict[Part, set[Part | None]] = {}
    heading: Part | None = None
    before: Part | None = None
    for block in blocks:
        is_heading = block.kind == "heading"
        if not _is_repeated(block, said, heading, before):
            yield block
        # A list that follows another name or price is another plan's.
        said.setdefault(block, set()).update({heading, before} if block.kind == "list" else {heading})
        heading = block if is_heading else heading
        before = block


def _is_repeated(block: Part, said: dict[Part, set[Part | None]], heading: Part | None, before: Part | None) -> bool:
    words = word_count(block.text)
    is_short = words < MIN_WORDS_OF_COPY
    if block == before:
        return not (is_short and block.kind == "text")
    if is_short or block not in said:
        return False
    of = said[block]
    if block.kind == "list" and before not in of and heading in of:
        return False
    if block.kind == "heading" or (block.kind == "text" and words > MAX_WORDS_OF_FEATURE):
        return True
    return heading in of or heading is None or not any(known and _level(known) == _level(heading) for known in of)


def _level(heading: Said) -> int:
    return len(heading.text) - len(heading.text.lstrip("#"))
