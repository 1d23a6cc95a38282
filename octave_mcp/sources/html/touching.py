"""Whether inline elements that touch in the source are apart on the screen, which scripts and style sheets decide.

What the page itself declares counts first. Most sheets are not part of the page, so the shape of the words decides
then: a phrase is no part of a word, a sign or a unit is no word of its own.
"""

from __future__ import annotations

import re

from octave_mcp.sources.html.styles import Traits
from octave_mcp.sources.html.tree import BLOCKS, CJK, Element

OPENS = tuple("([{$€£¥₹#@“‘«‹/-–_&~")
CLOSES = re.compile(r"[.,;:!?%‰)\]}’”»›'\"/+*°®™℠©_–-]")
UNIT = re.compile(r"[^\W\d_]{1,2}|[kKMGTP]?[bB](?:it|yte)?s?|[kMG]?Hz|[kMG]?W?h|mg|pt")
UNIT_BEFORE_WORDS = re.compile(r"[xX×kKMB]\b")
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
CURRENCY = re.compile(r"[$€£¥₹]\s?\d")


Part = Element | str


def are_apart(before: Part, after: Part, inside: Element, declared: tuple[Traits, Traits, Traits]) -> bool:
    """Of two neighbours without white space between them.

    `declared` is how the two, and the element `inside` which they stand, are laid out.
    """
    first, second, around = declared
    if "line" in first or "line" in second:
        return True
    last, next_ = last_word(before), first_word(after)
    if not last or not next_ or _belongs(last, next_, _words(before), _words(after)):
        return False
    if "spaced" in first or "spaced" in second or "row" in around:
        return True
    if isinstance(after, str):
        return False
    if (last[-1].isdigit() and next_[0].isalpha()) or ("named" in first and "named" in second):
        return True
    return not isinstance(before, str) and _are_words(before, after, inside, last, next_)


def _belongs(last: str, next_: str, words_before: int, words_after: int) -> bool:
    """Signs, units, letters and digits that stand alone are part of the word that they touch."""
    if last.endswith(OPENS) or (CLOSES.match(next_) and not CURRENCY.match(next_)):
        return True
    if len(last) == 1 and words_before == 1 and last.isalnum() and last.isdigit() == next_[0].isdigit():
        return True
    if last[-1].isdigit():
        is_unit = words_after == 1 and UNIT.fullmatch(next_)
        return bool(is_unit or UNIT_BEFORE_WORDS.match(next_))
    return last.endswith((".", ",")) and (next_[0].isdigit() or (words_after == 1 and next_[0].islower()))


def _are_words(before: Element, after: Element, inside: Element, last: str, next_: str) -> bool:
    """Elements that nothing is declared of. Word processors cut the words of a sentence into spans."""
    if before.tag == after.tag == "a":
        return True
    if CJK.match(last[-1]) or CJK.match(next_):
        return False
    if not (last[-1].isalnum() and next_[0].isalnum()):
        return True
    if before.words > 1 or after.words > 1:
        return before.tag != after.tag or not (last[-1].islower() and next_[0].islower()) or inside.tag in HEADINGS
    if last[-1].isdigit() or next_[0].isdigit():
        return last[-1].isdigit() != next_[0].isdigit() or len(last) > 1 < len(next_)
    return before.tag != after.tag and next_[0].isupper() and _is_row_of_elements(inside)


def _is_row_of_elements(inside: Element) -> bool:
    """A block without text of its own, as the parts of a card are in; a sentence has some."""
    return inside.tag in BLOCKS and not any(isinstance(child, str) and child.strip() for child in inside.children)


def _words(part: Part) -> int:
    return len(part.split()) if isinstance(part, str) else part.words


def last_word(part: Part) -> str:
    """The word a part ends with; empty if white space or a block ends it."""
    while not isinstance(part, str):
        part = next((child for child in reversed(part.children) if isinstance(child, str) or child.words), "")
    return "" if part[-1:].isspace() else part[-40:].rsplit(maxsplit=1)[-1] if part else ""


def first_word(part: Part) -> str:
    while not isinstance(part, str):
        part = next((child for child in part.children if isinstance(child, str) or child.words), "")
    return "" if part[:1].isspace() else part[:40].split(maxsplit=1)[0] if part else ""
