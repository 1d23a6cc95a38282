"""Removes copies of content, such as repeated slides and copies for narrow screens.

Equal values in a grid are kept, and so are equal features of two plans.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

from octave_mcp.sources.html.tree import Element, word_count

MIN_COPY_WORDS = 6
MAX_FEATURE_WORDS = 15
# Matches words in the classes of elements that only some screens show: `hidden-xs`, `d-none d-md-block`, `mobile-only`.
SCREEN_NAME = re.compile(
    r"(?<![a-z])(?:mobile|desktop|tablet|phone|hidden|hide|show|visible|invisible|only|xs|sm|md|lg|xl|d-none|small|large)"
    r"(?![a-z])"
)


class TextBlock(Protocol):
    @property
    def kind(self) -> str: ...
    @property
    def text(self) -> str: ...


AnyBlock = TypeVar("AnyBlock", bound=TextBlock)


def is_copy(
    blocks: Sequence[TextBlock], previous: Sequence[TextBlock], element: Element, sibling: Element | None
) -> bool:
    """Return whether an element repeats its preceding sibling for another screen size.

    `blocks` are the blocks of the element, and `previous` are the blocks of its sibling. Short values can be equal
    without being copies, such as "Unlimited" for two plans. Therefore, short values count as copies only if a class
    shows or hides one of the elements on some screens, as `mobile-only` does.
    """
    if not blocks or list(blocks) != list(previous):
        return False
    if any(block.kind != "text" or word_count(block.text) >= MIN_COPY_WORDS for block in blocks):
        return True
    names = (element.name, sibling.name if sibling else "")
    return names[0] != names[1] and any(map(SCREEN_NAME.search, names))


def without_repeats(blocks: Sequence[AnyBlock]) -> Iterator[AnyBlock]:
    """Yield the blocks without repetitions.

    Short texts are never treated as repetitions. If two plans have the same feature, the feature is not a repetition
    either.
    """
    contexts: dict[AnyBlock, set[AnyBlock | None]] = {}
    heading: AnyBlock | None = None
    previous: AnyBlock | None = None
    for block in blocks:
        is_heading = block.kind == "heading"
        if not _is_repeated(block, contexts, heading, previous):
            yield block
        # Store the block before a list, too. If two plans have equal lists, different blocks precede them, such as the
        # plans' names or prices.
        contexts.setdefault(block, set()).update({heading, previous} if block.kind == "list" else {heading})
        heading = block if is_heading else heading
        previous = block


def _is_repeated(
    block: AnyBlock, contexts: dict[AnyBlock, set[AnyBlock | None]], heading: AnyBlock | None, previous: AnyBlock | None
) -> bool:
    words = word_count(block.text)
    is_short = words < MIN_COPY_WORDS
    if block == previous:
        return not (is_short and block.kind == "text")
    if is_short or block not in contexts:
        return False
    known = contexts[block]
    if block.kind == "list" and previous not in known and heading in known:
        return False
    if block.kind == "heading" or (block.kind == "text" and words > MAX_FEATURE_WORDS):
        return True
    # If an equal block is under a different heading of the same level, it is probably a feature of another plan and not
    # a repetition.
    return (
        heading in known
        or heading is None
        or not any(context and _level(context) == _level(heading) for context in known)
    )


def _level(heading: TextBlock) -> int:
    return len(heading.text) - len(heading.text.lstrip("#"))
