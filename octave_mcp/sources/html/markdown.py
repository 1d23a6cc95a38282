"""A page's content as Markdown to copy sentences from: no links, no emphasis, no escapes, one line a paragraph."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from octave_mcp.sources.html.calls import is_call
from octave_mcp.sources.html.copies import is_copy, once
from octave_mcp.sources.html.logos import Written, row_of_logos, without_marks
from octave_mcp.sources.html.pictures import is_row, names, row
from octave_mcp.sources.html.shown import Gap
from octave_mcp.sources.html.tables import table
from octave_mcp.sources.html.tree import LISTS, Element

Kind = Literal["text", "heading", "list", "table", "quote", "code", "logos"]

# Private characters cannot come from a page: they are stripped from its text.
BREAK = "\ue000"
BREAK_AFTER_STRONG = "\ue001"
BREAKS = re.compile(f"(?:(?<!\\s)\\s+)?[{BREAK}{BREAK_AFTER_STRONG}]\\s*")
PARAGRAPHS = re.compile(f"[{BREAK}{BREAK_AFTER_STRONG}]\\s*[{BREAK}{BREAK_AFTER_STRONG}]+")

SPACES = f" \t\r\n\xa0{BREAK}{BREAK_AFTER_STRONG}"

OF_CARDS = frozenset({"heading", "table", "quote", "code", "logos"})
HEADINGS = {f"h{level}": level for level in range(1, 7)}
# Of an element with the role of a heading; the one that WAI-ARIA assumes.
DEFAULT_LEVEL = 2
CAPTIONS = frozenset({"figcaption", "cite", "footer"})
MIN_LOGOS = 3


class Call(str):
    """The words of a link that only say where to press: nothing to quote if they stand alone."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Block:
    kind: Kind
    text: str


def markdown(element: Element) -> str:
    return written(element).text


def written(element: Element) -> Written:
    return without_marks("\n\n".join(block.text for block in once(_blocks(element))))


def _blocks(element: Element, *, calls: bool = True) -> list[Block]:
    """The blocks an element holds, its runs of text and inline elements as paragraphs."""
    blocks: list[Block] = []
    line: list[str] = []
    logos: list[str] = []
    last: list[Block] = []
    is_first = True
    sibling: Element | None = None
    for at, child in enumerate(element.children):
        if isinstance(child, Element) and is_row(child):
            logos += names(child)
            line.append(" ")
        elif isinstance(child, str) or not child.holds_block:
            text = _inline(child, element, at)
            if text.strip():
                _flush_logos(blocks, logos)
            line.append(Call(text) if calls and _is_call(child, text, element, is_first=is_first) else text)
            is_first = is_first and not text.strip()
        else:
            _flush(blocks, line)
            _flush_logos(blocks, logos)
            is_first = is_first and not child.words
            copy, last = last, _block(child)
            blocks += [] if is_copy(last, copy, child, sibling) else last
            sibling = child
    _flush(blocks, line)
    _flush_logos(blocks, logos)
    return blocks


def _is_call(child: Element | str, text: str, inside: Element, *, is_first: bool) -> bool:
    """The first link of a part that has more to say, and a link in a list, may name what they lead to."""
    if isinstance(child, str) or not child.link_words:
        return False
    may_be_name = inside.tag in {"li", "dt"} or (is_first and inside.words > inside.link_words)
    return is_call(child, flat(text), may_be_name=may_be_name)


def _flush(blocks: list[Block], line: list[str]) -> None:
    if not all(isinstance(part, Call) or not part.strip(SPACES) for part in line):
        paragraphs = map(flat, PARAGRAPHS.split("".join(line)))
        blocks += [Block("text", text) for text in paragraphs if text]
    line.clear()


def _flush_logos(blocks: list[Block], logos: list[str]) -> None:
    named = row(logos)
    if len(named) >= MIN_LOGOS:
        blocks.append(Block("logos", row_of_logos(named)))
    logos.clear()


def _block(element: Element) -> list[Block]:
    if element.attributes.get("role") == "heading":
        return _heading(element)
    return WRITERS.get(element.tag, _blocks)(element)


def flat(text: str) -> str:
    return " ".join(text.replace(BREAK, " ").replace(BREAK_AFTER_STRONG, " ").split())


def _inline(child: Element | str, parent: Element, at: int) -> str:
    if isinstance(child, str):
        return child
    if child.tag == "br":
        return _line_break(parent, at)
    return "".join(_inline(part, child, index) for index, part in enumerate(child.children))


def _line_break(parent: Element, at: int) -> str:
    before = next((part for part in reversed(parent.children[:at]) if not isinstance(part, str) or part.strip()), "")
    strong = isinstance(before, Element) and before.tag in {"strong", "b"} and not before.text.endswith(":")
    return BREAK_AFTER_STRONG if strong else BREAK


def _heading(element: Element) -> list[Block]:
    """No heading is a mere call: 'Get started' may head a card, and 'Contact Center' be a product."""
    inner = _blocks(element, calls=False)
    text = flat(" ".join(block.text.partition(" ")[2] if block.kind == "heading" else block.text for block in inner))
    level = HEADINGS.get(element.tag) or _level(element)
    return [Block("heading", f"{'#' * level} {text}")] if text else []


def _level(element: Element) -> int:
    level = element.attributes.get("aria-level", "")
    return int(level) if level in {"1", "2", "3", "4", "5", "6"} else DEFAULT_LEVEL


def _list(element: Element) -> list[Block]:
    """One line an item; a card, which has a heading of its own, is not an item but a run of blocks."""
    blocks: list[Block] = []
    lines: list[str] = []
    number = 0
    for item in element.children:
        if isinstance(item, str) or not (parts := _blocks(item)):
            continue
        if any(part.kind in OF_CARDS for part in parts):
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


def _item(parts: list[Block], mark: str) -> list[str]:
    text = " ".join(part.text for part in parts if part.kind == "text")
    nested = [line for part in parts if part.kind == "list" for line in part.text.split("\n")]
    return [f"{mark}{text}", *(f"  {line}" for line in nested)] if text else nested


def _definitions(element: Element) -> list[Block]:
    """One line a term; definitions with headings of their own are no lines but a run of blocks."""
    terms: list[tuple[str, list[str]]] = []
    parts = [(part, _blocks(part)) for part in element.find("dt", "dd")]
    if any(block.kind in OF_CARDS for part, blocks in parts if part.tag == "dd" for block in blocks):
        return [block for _, blocks in parts for block in blocks]
    for part, blocks in parts:
        text = flat(" ".join(block.text.replace("\n", "; ").removeprefix("- ") for block in blocks))
        if part.tag == "dt":
            terms.append((text.rstrip(":："), []))
        elif text:
            terms = terms or [("", [])]
            terms[-1][1].append(text)
    lines = [f"- {': '.join(filter(None, (term, '; '.join(values))))}" for term, values in terms if term or values]
    return [Block("list", "\n".join(lines))] if lines else []


def _quote(element: Element) -> list[Block]:
    """The words, then who said them on the last line."""
    if element.tag == "figure" and not any(element.find("blockquote")):
        return _blocks(element)
    captions: list[str] = []
    said = _blocks(_without_captions(element, captions))
    lines = [line.removeprefix("> ") for block in said for line in block.text.split("\n") if line]
    who = ", ".join(captions)
    if not lines:
        return [Block("text", who)] if who else []
    lines += [f"— {who}"] if who else []
    return [Block("quote", "\n".join(f"> {line}" for line in lines))]


def _without_captions(element: Element, captions: list[str]) -> Element:
    children: list[Element | str] = []
    for child in element.children:
        if isinstance(child, Element) and child.tag in CAPTIONS:
            captions += [text] if (text := _caption(child)) else []
        else:
            children.append(_without_captions(child, captions) if isinstance(child, Element) else child)
    return element.holding(children, tag="div" if element.tag in {"figure", "blockquote"} else element.tag)


def _caption(element: Element) -> str:
    """'Name, Role, Company', whatever marks stood between and before them."""
    text = ", ".join(BREAKS.sub(", ", block.text) for block in _blocks(_spelled(element)))
    return text.strip(" ,").lstrip("—–-― ").strip()


def _spelled(element: Element) -> Element:
    """With a comma for each line break, and between elements that touch."""
    children: list[Element | str] = []
    for child in element.children:
        if isinstance(child, str):
            children.append(", " if isinstance(child, Gap) else child)
        elif child.tag == "br":
            children.append(", ")
        else:
            before = children[-1] if children else ""
            touches = isinstance(before, Element) and not before.holds_block and not child.holds_block
            children += [", ", _spelled(child)] if touches else [_spelled(child)]
    return element.holding(children)


def _code(element: Element) -> list[Block]:
    text = "".join(element.strings()).strip("\n").rstrip()
    return [Block("code", f"```\n{text}\n```")] if text.strip() else []


def _table(element: Element) -> list[Block]:
    text = table(element, _cell)
    if text is None:
        return _blocks(element)
    captions = [Block("text", caption.text) for caption in element.find("caption") if caption.text]
    return [*captions, Block("table", text)] if text else captions


def _cell(element: Element) -> str:
    lines: list[str] = []
    paragraph: list[str] = []
    for at, child in enumerate(element.children):
        if isinstance(child, str) or not child.holds_block:
            paragraph.append(_inline(child, element, at))
        else:
            lines += ["".join(paragraph), *(_cell_block(block) for block in _block(child))]
            paragraph = []
    lines.append("".join(paragraph))
    return "; ".join(text for line in lines if (text := spelled_breaks(line)))


def _cell_block(block: Block) -> str:
    return re.sub(r"\n\s*(?:- |\d+\. |> )?", "; ", block.text.removeprefix("- ").removeprefix("> ").lstrip("# "))


def spelled_breaks(text: str) -> str:
    """A cell is one line: its line breaks become ': ' after a strong word, and '; ' elsewhere."""
    text = " ".join(text.split())
    text = re.sub(f"(?:(?<!\\s)\\s+)?{BREAK_AFTER_STRONG}[\\s{BREAK}]*", ": ", text)
    return re.sub(f"(?:(?<!\\s)\\s+)?{BREAK}[\\s{BREAK}]*", "; ", text).strip(" ;:")


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
