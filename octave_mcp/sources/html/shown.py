"""The content of a page as its readers see it: what markup means is resolved into text before it becomes Markdown.

What is struck out goes, footnote marks go and cents become fractions, parts that are apart on the screen are apart, and
icons in tables and lists say what they mean.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from octave_mcp.sources.html import icons
from octave_mcp.sources.html.counters import as_counted
from octave_mcp.sources.html.styles import NOTHING, Styles, Traits, styles_of
from octave_mcp.sources.html.superscripts import FOOTNOTE, cents, raised
from octave_mcp.sources.html.tables import CELLS, LAYOUT
from octave_mcp.sources.html.touching import Part, are_apart
from octave_mcp.sources.html.tree import Element, Root

STRUCK = frozenset({"s", "del", "strike"})
ITEMS = CELLS | {"li", "dd", "dt"}
AS_WRITTEN = frozenset({"pre", "code", "kbd", "samp"})
PICTURES = frozenset({"img", "svg", "br"})
NOTE_LINK = "doc-noteref"
# What screen readers say before the mark of a footnote.
NOTE_WORD = re.compile(r"footnotes?", re.IGNORECASE)
FRACTION = re.compile(r"(?<![a-z])(?:fraction(?:al)?|cents?|decimals?)(?![a-z])", re.IGNORECASE)
MAX_RAISED_WORDS = 3
# Characters of the line before a superscript, and parts after an icon.
LOOKED_BACK, LOOKED_AHEAD = 40, 4


class Gap(str):
    """The space between parts that touch in the source and are apart on the screen."""

    __slots__ = ()


GAP = Gap(" ")


def as_shown(content: Element, page: Root) -> Element:
    """`content`, a part of `page`, which has the style sheets; both stay as they are."""
    return _Reader(styles_of(page)).shown(content, NOTHING)


@dataclass(slots=True)
class _Reader:
    styles: Styles
    above: list[Element] = field(default_factory=list[Element])
    line: list[str] = field(default_factory=list[str])
    """The text so far of the line that is being read."""

    def shown(self, element: Element, traits: Traits) -> Element:
        """The element itself if nothing in it changes, else a copy."""
        children = element.children
        if element.tag in AS_WRITTEN or (len(children) == 1 and isinstance(children[0], str)):
            self.line.extend(element.strings())
            return element
        self.above.append(element)
        parts = self._parts(element, traits)
        self.above.pop()
        return element if parts == children else element.holding(parts)

    def _parts(self, element: Element, around: Traits) -> list[Part]:
        parts: list[Part] = []
        before: Part = ""
        known = NOTHING
        for at, child in enumerate(map(as_counted, element.children)):
            if isinstance(child, str):
                if child:
                    if (
                        before
                        and not child[0].isspace()
                        and are_apart(before, child, element, (known, NOTHING, around))
                    ):
                        self._write(GAP, parts)
                    self.line.append(child)
                    before, known = child, NOTHING
                parts.append(child)
                continue
            traits = self.styles.of(child, self.above)
            if (child.tag in STRUCK or "struck" in traits) and not (child.holds_main or child.holds_h1):
                parts.append(child.holding([]) if child.tag in CELLS else " ")
                before = ""
            elif child.holds_block and not self._is_fraction(child):
                self.line.clear()
                parts.append(self._block(child, traits) if child.words or child.tag in CELLS else child)
                self.line.clear()
                before = ""
            elif not child.words:
                self._wordless(child, element, at, parts)
                before = "" if child.tag in PICTURES or child.images else before
            elif (text := self._resolved(child, traits, element, at)) is not None:
                self._write(text, parts)
                before, known = (child, traits) if text else (before, known)
            else:
                if before and are_apart(before, child, element, (known, traits, around)):
                    self._write(GAP, parts)
                parts.append(self.shown(child, traits))
                before, known = child, traits
        return parts

    def _write(self, text: str, parts: list[Part]) -> None:
        """A fraction follows its price without the white space of the source."""
        if text[:1] in {".", ","} and parts and isinstance(last := parts[-1], str) and last[-1:].isspace():
            parts[-1] = last.rstrip()
        if text:
            self.line.append(text)
            parts.append(text)

    def _block(self, block: Element, traits: Traits) -> Element:
        if block.tag in CELLS and (said := self._cell(block)):
            return block.holding([said])
        shown = self.shown(block, traits)
        if block.tag == "li" and icons.lacks(block) and not icons.is_verdict(shown.text):
            return shown.holding([f"{icons.CROSS} ", *shown.children])
        return shown

    def _is_fraction(self, block: Element) -> bool:
        """Whether it is a block of its own that says that it holds the cents of a price."""
        if block.words != 1 or not self.line or not self.line[-1][-1:].isdigit():
            return False
        return any(FRACTION.search(part.name) for part in block.elements()) and bool(cents(block.text, self._before()))

    def _cell(self, cell: Element) -> str:
        """What a cell without words says, in a table that has some."""
        if cell.words > 1 or (cell.words and icons.has_words(cell)):
            return ""
        table = next((element for element in reversed(self.above) if element.tag == "table"), None)
        is_data = table is not None and table.words > 0 and table.attributes.get("role") not in LAYOUT
        return icons.in_cell(cell) if is_data else ""

    def _wordless(self, child: Element, inside: Element, at: int, parts: list[Part]) -> None:
        """A picture stands between what touches it; an icon at the start of a line may say yes or no."""
        if child.tag == "br":
            self.line.clear()
        elif self.line and not self._is_blank() and (child.tag in PICTURES or child.images):
            self._write(GAP, parts)
        elif child.tag in icons.ICONS and self._is_blank():
            self._write(self._before_words(child, inside, at), parts)
        parts.append(child)

    def _before_words(self, icon: Element, inside: Element, at: int) -> str:
        after = inside.children[at + 1 : at + 1 + LOOKED_AHEAD]
        next_ = next((part for part in after if (part.strip() if isinstance(part, str) else part.words)), None)
        if next_ is None or (isinstance(next_, Element) and next_.holds_block and inside.tag not in ITEMS):
            return ""
        said = icons.before_words(icon)
        text = next_ if isinstance(next_, str) else next_.text
        return "" if not said or icons.is_verdict(text.strip()) else f"{said} "

    def _resolved(self, child: Element, traits: Traits, inside: Element, at: int) -> str | None:
        """The text of a superscript, of cents and of the name of an icon; None for other elements."""
        if "ligature" in traits:
            return self._ligature(child, inside, at)
        is_note = child.attributes.get("role") == NOTE_LINK
        if is_note or ((child.tag == "sup" or "raised" in traits) and child.words <= MAX_RAISED_WORDS):
            text = child.text
            if (is_note or self._is_linked(child)) and FOOTNOTE.fullmatch(text):
                return ""
            return raised(text, self._before(), _after(inside, at))
        if child.words != 1 or not self.line:
            return None
        if child.is_leaf and NOTE_WORD.fullmatch(child.text):
            return ""
        return cents(child.text, self._before(), _after(inside, at)) if self.line[-1][-1:].isdigit() else None

    def _ligature(self, icon: Element, inside: Element, at: int) -> str | None:
        """The name of an icon is no text, unless it is all that a cell says."""
        if any(element.tag in CELLS and element.words == icon.words for element in self.above):
            return None
        return self._before_words(icon, inside, at) if self._is_blank() else " "

    def _is_blank(self) -> bool:
        """Whether nothing stands on the line so far."""
        return not any(map(str.strip, self.line[-LOOKED_AHEAD:]))

    def _is_linked(self, mark: Element) -> bool:
        """Whether it leads to a place on the page, as the mark of a footnote does."""
        links = [self.above[-1], *mark.find("a")]
        return any(link.tag == "a" and "#" in link.attributes.get("href", "") for link in links)

    def _before(self) -> str:
        text = ""
        for part in reversed(self.line):
            text = part[-LOOKED_BACK:] + text
            if len(text) >= LOOKED_BACK:
                break
        return text


def _after(inside: Element, at: int) -> str:
    """What comes next in the same element."""
    following = next(iter(inside.children[at + 1 : at + 2]), "")
    return following if isinstance(following, str) else next(following.strings(), "")
