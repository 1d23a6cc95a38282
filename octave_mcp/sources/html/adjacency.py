"""Decides whether two inline elements that are adjacent in the HTML are apart on the screen.

The classes of the elements and the styles in the page are checked first. But most style sheets are separate files,
which are not fetched. If the known styles give no answer, the words are checked: a unit such as 'GB' belongs to the
number before it.
"""

from __future__ import annotations

import re

from octave_mcp.sources.html.styles import Traits
from octave_mcp.sources.html.tree import BLOCKS, CJK, Element

OPENING_SIGNS = tuple("([{$€£¥₹#@“‘«‹/-–_&~")
CLOSING_SIGN = re.compile(r"[.,;:!?%‰)\]}’”»›'\"/+*°®™℠©_–-]")
# Matches units that belong to the number before them ("5" + "GB", "3" + "x"). Any one or two letters count as a unit.
UNIT = re.compile(r"[^\W\d_]{1,2}|[kKMGTP]?[bB](?:it|yte)?s?|[kMG]?Hz|[kMG]?W?h|mg|pt")
UNIT_BEFORE_WORDS = re.compile(r"[xX×kKMB]\b")
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
PRICE_START = re.compile(r"[$€£¥₹]\s?\d")


Part = Element | str


def are_apart(before: Part, after: Part, parent: Element, traits: tuple[Traits, Traits, Traits]) -> bool:
    """Return whether two siblings are apart on the screen, although the HTML has no white space between them.

    `traits` are the traits of the two siblings and of their parent.
    """
    first_traits, second_traits, parent_traits = traits
    if "line" in first_traits or "line" in second_traits:
        return True
    last_text, next_text = last_word(before), first_word(after)
    if not last_text or not next_text or _is_attached(last_text, next_text, _words_in(before), _words_in(after)):
        return False
    if "spaced" in first_traits or "spaced" in second_traits or "row" in parent_traits:
        return True
    if isinstance(after, str):
        return False
    if (last_text[-1].isdigit() and next_text[0].isalpha()) or ("named" in first_traits and "named" in second_traits):
        return True
    return not isinstance(before, str) and _are_separate_words(before, after, parent, last_text, next_text)


def _is_attached(last_text: str, next_text: str, words_before: int, words_after: int) -> bool:
    """Return whether a sign, a unit, a single letter or a digit belongs to the word next to it."""
    if last_text.endswith(OPENING_SIGNS) or (CLOSING_SIGN.match(next_text) and not PRICE_START.match(next_text)):
        return True
    if (
        len(last_text) == 1
        and words_before == 1
        and last_text.isalnum()
        and last_text.isdigit() == next_text[0].isdigit()
    ):
        return True
    if last_text[-1].isdigit():
        is_unit = words_after == 1 and UNIT.fullmatch(next_text)
        return bool(is_unit or UNIT_BEFORE_WORDS.match(next_text))
    return last_text.endswith((".", ",")) and (next_text[0].isdigit() or (words_after == 1 and next_text[0].islower()))


def _are_separate_words(before: Element, after: Element, parent: Element, last_text: str, next_text: str) -> bool:
    """Return whether two adjacent elements without style traits are separate words.

    Two such elements can also be parts of one word, because word processors often split sentences into spans at any
    letter.
    """
    if before.tag == after.tag == "a":
        return True
    if CJK.match(last_text[-1]) or CJK.match(next_text):
        return False
    if not (last_text[-1].isalnum() and next_text[0].isalnum()):
        return True
    if before.words > 1 or after.words > 1:
        return (
            before.tag != after.tag
            or not (last_text[-1].islower() and next_text[0].islower())
            or parent.tag in HEADINGS
        )
    if last_text[-1].isdigit() or next_text[0].isdigit():
        return last_text[-1].isdigit() != next_text[0].isdigit() or len(last_text) > 1 < len(next_text)
    return before.tag != after.tag and next_text[0].isupper() and _is_row_of_elements(parent)


def _is_row_of_elements(parent: Element) -> bool:
    """Return whether a block, such as a card, contains elements but no text between them.

    A sentence with inline elements usually has text between these elements.
    """
    return parent.tag in BLOCKS and not any(isinstance(child, str) and child.strip() for child in parent.children)


def _words_in(part: Part) -> int:
    return len(part.split()) if isinstance(part, str) else part.words


def last_word(part: Part) -> str:
    """Return the last word of a text or element, or '' if it ends with white space."""
    while not isinstance(part, str):
        part = next((child for child in reversed(part.children) if isinstance(child, str) or child.words), "")
    return "" if part[-1:].isspace() else part[-40:].rsplit(maxsplit=1)[-1] if part else ""


def first_word(part: Part) -> str:
    """Return the first word of a text or element, or '' if it begins with white space."""
    while not isinstance(part, str):
        part = next((child for child in part.children if isinstance(child, str) or child.words), "")
    return "" if part[:1].isspace() else part[:40].split(maxsplit=1)[0] if part else ""
