"""Converts meaningful markup to text, so that the extracted text has the same meaning as the page on the screen.

Struck-out text and footnote marks are dropped. Superscript cents become part of the price. Icons in tables and lists
become text. A space is inserted between elements that are apart on the screen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from octave_mcp.sources.html import icons
from octave_mcp.sources.html.adjacency import Part, are_apart
from octave_mcp.sources.html.counters import with_final_number
from octave_mcp.sources.html.styles import NO_TRAITS, Styles, Traits, styles_of
from octave_mcp.sources.html.superscripts import FOOTNOTE, price_fraction, superscript_text
from octave_mcp.sources.html.tables import CELLS, LAYOUT_ROLES
from octave_mcp.sources.html.tree import Element, Root

STRUCK_OUT_TAGS = frozenset({"s", "del", "strike"})
ITEM_TAGS = CELLS | {"li", "dd", "dt"}
VERBATIM_TAGS = frozenset({"pre", "code", "kbd", "samp"})
PICTURE_TAGS = frozenset({"img", "svg", "br"})
FOOTNOTE_ROLE = "doc-noteref"
FOOTNOTE_WORD = re.compile(r"footnotes?", re.IGNORECASE)
FRACTION_NAME = re.compile(r"(?<![a-z])(?:fraction(?:al)?|cents?|decimals?)(?![a-z])", re.IGNORECASE)
MAX_RAISED_WORDS = 3
CHARACTERS_BACK, PARTS_AHEAD = 40, 4


class Gap(str):
    """A space that is inserted between two parts of a line.

    The two parts are adjacent in the HTML but apart on the screen.
    """

    __slots__ = ()


GAP = Gap(" ")


def as_shown(content: Element, page: Root) -> Element:
    """Return a copy of `content` whose text reads as it does on the screen.

    `page` is the whole page, which contains the style sheets.
    """
    return _Reader(styles_of(page)).shown(content, NO_TRAITS)


@dataclass(slots=True)
class _Reader:
    styles: Styles
    ancestors: list[Element] = field(default_factory=list[Element])
    line: list[str] = field(default_factory=list[str])
    """The text of the current line so far."""

    def shown(self, element: Element, traits: Traits) -> Element:
        """Return a copy of the element whose text reads as it does on the screen.

        If nothing changes, return the element itself.
        """
        children = element.children
        if element.tag in VERBATIM_TAGS or (len(children) == 1 and isinstance(children[0], str)):
            self.line.extend(element.strings())
            return element
        self.ancestors.append(element)
        parts = self._shown_parts(element, traits)
        self.ancestors.pop()
        return element if parts == children else element.with_children(parts)

    def _shown_parts(self, element: Element, parent_traits: Traits) -> list[Part]:
        parts: list[Part] = []
        previous: Part = ""
        previous_traits = NO_TRAITS
        for index, child in enumerate(map(with_final_number, element.children)):
            if isinstance(child, str):
                if child:
                    if (
                        previous
                        and not child[0].isspace()
                        and are_apart(previous, child, element, (previous_traits, NO_TRAITS, parent_traits))
                    ):
                        self._write(GAP, parts)
                    self.line.append(child)
                    previous, previous_traits = child, NO_TRAITS
                parts.append(child)
                continue
            traits = self.styles.traits_of(child, self.ancestors)
            if (child.tag in STRUCK_OUT_TAGS or "struck" in traits) and not (child.holds_main or child.holds_h1):
                parts.append(child.with_children([]) if child.tag in CELLS else " ")
                previous = ""
            elif child.holds_block and not self._is_fraction(child):
                self.line.clear()
                parts.append(self._block(child, traits) if child.words or child.tag in CELLS else child)
                self.line.clear()
                previous = ""
            elif not child.words:
                self._write_wordless(child, element, index, parts)
                previous = "" if child.tag in PICTURE_TAGS or child.images else previous
            elif (text := self._resolved_text(child, traits, element, index)) is not None:
                self._write(text, parts)
                previous, previous_traits = (child, traits) if text else (previous, previous_traits)
            else:
                if previous and are_apart(previous, child, element, (previous_traits, traits, parent_traits)):
                    self._write(GAP, parts)
                parts.append(self.shown(child, traits))
                previous, previous_traits = child, traits
        return parts

    def _write(self, text: str, parts: list[Part]) -> None:
        """Append text to the line. If the HTML has white space between a price and its cents, remove that space."""
        if text[:1] in {".", ","} and parts and isinstance(last := parts[-1], str) and last[-1:].isspace():
            parts[-1] = last.rstrip()
        if text:
            self.line.append(text)
            parts.append(text)

    def _block(self, block: Element, traits: Traits) -> Element:
        if block.tag in CELLS and (icon_text := self._icon_text(block)):
            return block.with_children([icon_text])
        shown = self.shown(block, traits)
        if block.tag == "li" and icons.is_excluded(block) and not icons.says_yes_or_no(shown.text):
            return shown.with_children([f"{icons.CROSS} ", *shown.children])
        return shown

    def _is_fraction(self, block: Element) -> bool:
        """Return whether a block contains the cents of the price before it, according to its class."""
        if block.words != 1 or not self.line or not self.line[-1][-1:].isdigit():
            return False
        return any(FRACTION_NAME.search(part.name) for part in block.elements()) and bool(
            price_fraction(block.text, self._text_before())
        )

    def _icon_text(self, cell: Element) -> str:
        """Return the text for the icons in a table cell.

        Return '' if the cell has words, or if the table is used only for layout.
        """
        if cell.words > 1 or (cell.words and icons.has_words(cell)):
            return ""
        table = next((element for element in reversed(self.ancestors) if element.tag == "table"), None)
        is_data = table is not None and table.words > 0 and table.attributes.get("role") not in LAYOUT_ROLES
        return icons.cell_text(cell) if is_data else ""

    def _write_wordless(self, child: Element, parent: Element, index: int, parts: list[Part]) -> None:
        """Add an element that has no words, such as a picture or an icon.

        A picture separates the texts around it, and an icon can become text.
        """
        if child.tag == "br":
            self.line.clear()
        elif self.line and not self._is_line_blank() and (child.tag in PICTURE_TAGS or child.images):
            self._write(GAP, parts)
        elif child.tag in icons.ICONS and self._is_line_blank():
            self._write(self._words_prefix(child, parent, index), parts)
        parts.append(child)

    def _words_prefix(self, icon: Element, parent: Element, index: int) -> str:
        after = parent.children[index + 1 : index + 1 + PARTS_AHEAD]
        next_part = next((part for part in after if (part.strip() if isinstance(part, str) else part.words)), None)
        if next_part is None or (
            isinstance(next_part, Element) and next_part.holds_block and parent.tag not in ITEM_TAGS
        ):
            return ""
        icon_text = icons.words_prefix(icon)
        text = next_part if isinstance(next_part, str) else next_part.text
        return "" if not icon_text or icons.says_yes_or_no(text.strip()) else f"{icon_text} "

    def _resolved_text(self, child: Element, traits: Traits, parent: Element, index: int) -> str | None:
        """Return the text that replaces an element: a superscript, the cents of a price, or the name of an icon.

        Return None for other elements.
        """
        if "ligature" in traits:
            return self._ligature_text(child, parent, index)
        is_footnote = child.attributes.get("role") == FOOTNOTE_ROLE
        if is_footnote or ((child.tag == "sup" or "raised" in traits) and child.words <= MAX_RAISED_WORDS):
            text = child.text
            if (is_footnote or self._is_anchor_link(child)) and FOOTNOTE.fullmatch(text):
                return ""
            return superscript_text(text, self._text_before(), _text_after(parent, index))
        if child.words != 1 or not self.line:
            return None
        if child.is_leaf and FOOTNOTE_WORD.fullmatch(child.text):
            return ""
        return (
            price_fraction(child.text, self._text_before(), _text_after(parent, index))
            if self.line[-1][-1:].isdigit()
            else None
        )

    def _ligature_text(self, icon: Element, parent: Element, index: int) -> str | None:
        """Return the text that replaces the name of an icon.

        Return None if the icon is the only content of a table cell.
        """
        if any(element.tag in CELLS and element.words == icon.words for element in self.ancestors):
            return None
        return self._words_prefix(icon, parent, index) if self._is_line_blank() else " "

    def _is_line_blank(self) -> bool:
        return not any(map(str.strip, self.line[-PARTS_AHEAD:]))

    def _is_anchor_link(self, mark: Element) -> bool:
        """Return whether a mark is a link to an anchor, as footnote marks are."""
        anchors = [self.ancestors[-1], *mark.find("a")]
        return any(anchor.tag == "a" and "#" in anchor.attributes.get("href", "") for anchor in anchors)

    def _text_before(self) -> str:
        text = ""
        for part in reversed(self.line):
            text = part[-CHARACTERS_BACK:] + text
            if len(text) >= CHARACTERS_BACK:
                break
        return text


def _text_after(parent: Element, index: int) -> str:
    """Return the text that follows a child within its parent."""
    following = next(iter(parent.children[index + 1 : index + 2]), "")
    return following if isinstance(following, str) else next(following.strings(), "")
