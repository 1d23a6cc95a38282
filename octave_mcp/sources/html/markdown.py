"""Converts the content of a page to Markdown from which sentences can be quoted.

The Markdown has no links, emphasis or escapes. Each paragraph, list item or table row is one line.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from octave_mcp.sources.html.calls_to_action import is_call_to_action
from octave_mcp.sources.html.duplicates import is_copy, without_repeats
from octave_mcp.sources.html.logos import MarkdownText, row_of_logos, without_marks
from octave_mcp.sources.html.pictures import is_logo_row, logo_names, picture_names
from octave_mcp.sources.html.tables import pipe_table
from octave_mcp.sources.html.tree import LISTS, Element
from octave_mcp.sources.html.visible_text import Gap

Kind = Literal["text", "heading", "list", "table", "quote", "code", "logos"]

# Until the text of a block is complete, these private-use characters stand for `<br>`. The text of a page cannot
# contain such characters, because `cleaned` removes them.
LINE_BREAK = "\ue000"
LINE_BREAK_AFTER_BOLD = "\ue001"
LINE_BREAKS = re.compile(f"(?:(?<!\\s)\\s+)?[{LINE_BREAK}{LINE_BREAK_AFTER_BOLD}]\\s*")
# Many pages separate paragraphs with two `<br>` in a row.
PARAGRAPH_BREAK = re.compile(f"[{LINE_BREAK}{LINE_BREAK_AFTER_BOLD}]\\s*[{LINE_BREAK}{LINE_BREAK_AFTER_BOLD}]+")

BLANK = f" \t\r\n\xa0{LINE_BREAK}{LINE_BREAK_AFTER_BOLD}"

# If a list item contains one of these blocks, it does not fit on one line, so it is treated as a card.
CARD_KINDS = frozenset({"heading", "table", "quote", "code", "logos"})
HEADINGS = {f"h{level}": level for level in range(1, 7)}
# According to WAI-ARIA, this is the level of an element with `role="heading"` but without `aria-level`.
DEFAULT_LEVEL = 2
CAPTION_TAGS = frozenset({"figcaption", "cite", "footer"})
MIN_LOGOS = 3


class CallToAction(str):
    """The text of a link that is a call to action. A paragraph that contains only calls to action is dropped."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Block:
    kind: Kind
    text: str


def markdown(element: Element) -> str:
    return markdown_with_logos(element).text


def markdown_with_logos(element: Element) -> MarkdownText:
    return without_marks("\n\n".join(block.text for block in without_repeats(_blocks(element))))


def _blocks(element: Element, *, drop_calls: bool = True) -> list[Block]:
    """Convert an element to blocks. Text and inline elements between blocks become paragraphs."""
    blocks: list[Block] = []
    line: list[str] = []
    logos: list[str] = []
    last_blocks: list[Block] = []
    is_first = True
    sibling: Element | None = None
    for index, child in enumerate(element.children):
        if isinstance(child, Element) and is_logo_row(child):
            logos += picture_names(child)
            line.append(" ")
        elif isinstance(child, str) or not child.holds_block:
            text = _inline(child, element, index)
            if text.strip():
                _flush_logos(blocks, logos)
            line.append(
                CallToAction(text) if drop_calls and _is_call(child, text, element, is_first=is_first) else text
            )
            is_first = is_first and not text.strip()
        else:
            _flush(blocks, line)
            _flush_logos(blocks, logos)
            is_first = is_first and not child.words
            previous_blocks, last_blocks = last_blocks, _block(child)
            blocks += [] if is_copy(last_blocks, previous_blocks, child, sibling) else last_blocks
            sibling = child
    _flush(blocks, line)
    _flush_logos(blocks, logos)
    return blocks


def _is_call(child: Element | str, text: str, parent: Element, *, is_first: bool) -> bool:
    """Return whether a link is a call to action.

    In a list or at the start of a text, a link such as 'Watch Tower' can be a name, although it begins with a verb.
    """
    if isinstance(child, str) or not child.link_words:
        return False
    may_be_name = parent.tag in {"li", "dt"} or (is_first and parent.words > parent.link_words)
    return is_call_to_action(child, one_line(text), may_be_name=may_be_name)


def _flush(blocks: list[Block], line: list[str]) -> None:
    if not all(isinstance(part, CallToAction) or not part.strip(BLANK) for part in line):
        paragraphs = map(one_line, PARAGRAPH_BREAK.split("".join(line)))
        blocks += [Block("text", text) for text in paragraphs if text]
    line.clear()


def _flush_logos(blocks: list[Block], logos: list[str]) -> None:
    names = logo_names(logos)
    if len(names) >= MIN_LOGOS:
        blocks.append(Block("logos", row_of_logos(names)))
    logos.clear()


def _block(element: Element) -> list[Block]:
    if element.attributes.get("role") == "heading":
        return _heading(element)
    return WRITERS.get(element.tag, _blocks)(element)


def one_line(text: str) -> str:
    return " ".join(text.replace(LINE_BREAK, " ").replace(LINE_BREAK_AFTER_BOLD, " ").split())


def _inline(child: Element | str, parent: Element, index: int) -> str:
    if isinstance(child, str):
        return child
    if child.tag == "br":
        return _line_break(parent, index)
    return "".join(_inline(part, child, position) for position, part in enumerate(child.children))


def _line_break(parent: Element, index: int) -> str:
    previous = next(
        (part for part in reversed(parent.children[:index]) if not isinstance(part, str) or part.strip()), ""
    )
    after_bold = isinstance(previous, Element) and previous.tag in {"strong", "b"} and not previous.text.endswith(":")
    return LINE_BREAK_AFTER_BOLD if after_bold else LINE_BREAK


def _heading(element: Element) -> list[Block]:
    """Return a heading.

    A heading is never treated as a call to action: "Get started" can be the title of a card, and "Contact Center" can
    be a product.
    """
    blocks = _blocks(element, drop_calls=False)
    text = one_line(
        " ".join(block.text.partition(" ")[2] if block.kind == "heading" else block.text for block in blocks)
    )
    level = HEADINGS.get(element.tag) or _level(element)
    return [Block("heading", f"{'#' * level} {text}")] if text else []


def _level(element: Element) -> int:
    level = element.attributes.get("aria-level", "")
    return int(level) if level in {"1", "2", "3", "4", "5", "6"} else DEFAULT_LEVEL


def _list(element: Element) -> list[Block]:
    """Return a list with one line per item.

    If an item is a card, for example because it has a heading, its content becomes separate blocks.
    """
    blocks: list[Block] = []
    lines: list[str] = []
    number = 0
    for item in element.children:
        if isinstance(item, str) or not (parts := _blocks(item)):
            continue
        if any(part.kind in CARD_KINDS for part in parts):
            _flush_lines(blocks, lines)
            blocks += parts
            continue
        number += 1
        lines += _item(parts, f"{number}. " if element.tag == "ol" else "- ")
    _flush_lines(blocks, lines)
    return blocks


def _flush_lines(blocks: list[Block], lines: list[str]) -> None:
    if lines:
        blocks.append(Block("list", "\n".join(lines)))
    lines.clear()


def _item(parts: list[Block], marker: str) -> list[str]:
    text = " ".join(part.text for part in parts if part.kind == "text")
    nested = [line for part in parts if part.kind == "list" for line in part.text.split("\n")]
    return [f"{marker}{text}", *(f"  {line}" for line in nested)] if text else nested


def _definitions(element: Element) -> list[Block]:
    """Return a definition list with one line per term.

    If any definition in the list is a card (for example, if it has a heading), no lines are formed: all terms and
    definitions in the list become separate blocks.
    """
    terms: list[tuple[str, list[str]]] = []
    parts = [(part, _blocks(part)) for part in element.find("dt", "dd")]
    if any(block.kind in CARD_KINDS for part, blocks in parts if part.tag == "dd" for block in blocks):
        return [block for _, blocks in parts for block in blocks]
    for part, blocks in parts:
        text = one_line(" ".join(block.text.replace("\n", "; ").removeprefix("- ") for block in blocks))
        if part.tag == "dt":
            terms.append((text.rstrip(":："), []))
        elif text:
            terms = terms or [("", [])]
            terms[-1][1].append(text)
    lines = [f"- {': '.join(filter(None, (term, '; '.join(values))))}" for term, values in terms if term or values]
    return [Block("list", "\n".join(lines))] if lines else []


def _quote(element: Element) -> list[Block]:
    """Return a quotation with its speaker on the last line."""
    if element.tag == "figure" and not any(element.find("blockquote")):
        return _blocks(element)
    captions: list[str] = []
    blocks = _blocks(_without_captions(element, captions))
    lines = [line.removeprefix("> ") for block in blocks for line in block.text.split("\n") if line]
    speaker = ", ".join(captions)
    if not lines:
        return [Block("text", speaker)] if speaker else []
    lines += [f"— {speaker}"] if speaker else []
    return [Block("quote", "\n".join(f"> {line}" for line in lines))]


def _without_captions(element: Element, captions: list[str]) -> Element:
    children: list[Element | str] = []
    for child in element.children:
        if isinstance(child, Element) and child.tag in CAPTION_TAGS:
            captions += [text] if (text := _caption(child)) else []
        else:
            children.append(_without_captions(child, captions) if isinstance(child, Element) else child)
    return element.with_children(children, tag="div" if element.tag in {"figure", "blockquote"} else element.tag)


def _caption(element: Element) -> str:
    """Return a caption such as "Name, Role, Company".

    The parts are joined with commas, even if the page separates them with line breaks or elements.
    """
    text = ", ".join(LINE_BREAKS.sub(", ", block.text) for block in _blocks(_with_commas(element)))
    return text.strip(" ,").lstrip("—–-― ").strip()


def _with_commas(element: Element) -> Element:
    """Replace line breaks in the element with commas, and insert commas between adjacent elements."""
    children: list[Element | str] = []
    for child in element.children:
        if isinstance(child, str):
            children.append(", " if isinstance(child, Gap) else child)
        elif child.tag == "br":
            children.append(", ")
        else:
            previous = children[-1] if children else ""
            touches_previous = isinstance(previous, Element) and not previous.holds_block and not child.holds_block
            children += [", ", _with_commas(child)] if touches_previous else [_with_commas(child)]
    return element.with_children(children)


def _code(element: Element) -> list[Block]:
    text = "".join(element.strings()).strip("\n").rstrip()
    return [Block("code", f"```\n{text}\n```")] if text.strip() else []


def _table(element: Element) -> list[Block]:
    text = pipe_table(element, _cell)
    if text is None:
        return _blocks(element)
    captions = [Block("text", caption.text) for caption in element.find("caption") if caption.text]
    return [*captions, Block("table", text)] if text else captions


def _cell(element: Element) -> str:
    lines: list[str] = []
    paragraph: list[str] = []
    for index, child in enumerate(element.children):
        if isinstance(child, str) or not child.holds_block:
            paragraph.append(_inline(child, element, index))
        else:
            lines += ["".join(paragraph), *(_cell_block(block) for block in _block(child))]
            paragraph = []
    lines.append("".join(paragraph))
    return "; ".join(text for line in lines if (text := with_written_breaks(line)))


def _cell_block(block: Block) -> str:
    return re.sub(r"\n\s*(?:- |\d+\. |> )?", "; ", block.text.removeprefix("- ").removeprefix("> ").lstrip("# "))


def with_written_breaks(text: str) -> str:
    """Return the text of a table cell on one line. A line break becomes ": " after bold text, and "; " elsewhere."""
    text = " ".join(text.split())
    text = re.sub(f"(?:(?<!\\s)\\s+)?{LINE_BREAK_AFTER_BOLD}[\\s{LINE_BREAK}]*", ": ", text)
    return re.sub(f"(?:(?<!\\s)\\s+)?{LINE_BREAK}[\\s{LINE_BREAK}]*", "; ", text).strip(" ;:")


WRITERS: dict[str, Callable[[Element], list[Block]]] = {
    **dict.fromkeys(HEADINGS, _heading),
    **dict.fromkeys(LISTS, _list),
    "dl": _definitions,
    "figure": _quote,
    "blockquote": _quote,
    "pre": _code,
    "table": _table,
    "hr": lambda _: [],
}
