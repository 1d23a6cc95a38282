"""A page's elements as plain values, and the one place where HTML is parsed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from selectolax.lexbor import LexborHTMLParser, LexborNode

from octave_mcp.sources.html.characters import cleaned

# What reads the tree is recursive; deeper elements hang their content here.
DEEPEST = 150
CODE = frozenset({"script", "style", "template", "noscript"})
# Dropped before anybody looks: what is drawn, played, chosen or loaded has no sentences.
DRAWN = frozenset("link source track math canvas video audio object embed iframe select datalist map".split())
# Stand on lines of their own.
LISTS = frozenset({"ul", "ol", "menu"})
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
BLOCKS = LISTS.union(
    {"html", "body", "main", "article", "section", "div", "p", "header", "aside", "nav", "address", "hgroup", "search"},
    {"figure", "figcaption", "blockquote", "pre", "hr", "details", "summary", "form", "fieldset", "legend", "center"},
    {"h1", "h2", "h3", "h4", "h5", "h6", "dl", "dt", "dd", "li", "footer"},
    {"table", "thead", "tbody", "tfoot", "tr", "td", "th", "caption"},
)
# To a browser, which runs scripts, what <noscript> holds is no markup; to a parser, such a frame never ends.
SWALLOWS = re.compile(r"(<noscript[^<>]*>\s*<iframe[^<>]*)/>", re.IGNORECASE)
MAX_MOVES = 200
# Of an inline drawing, of which only the name is read.
MOST_PARTS_OF_A_NAME, LONGEST_NAME = 8, 200
# Elements that can have a shadow tree, besides those with a hyphen in their name.
SHADOW_HOSTS = frozenset(
    "article aside blockquote body div footer h1 h2 h3 h4 h5 h6 header main nav p section span".split()
)
SHADOW_MODES = frozenset({"open", "closed"})
LATE = re.compile(r"\$RC\(\"(B:\w+)\",\"(S:\w+)\"")
CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")


@dataclass(slots=True, eq=False)
class Element:
    """`is_leaf`: it holds no other element; `holds_block`: it is a block, or holds one."""

    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list["Element | str"])
    is_leaf: bool = True
    words: int = 0
    link_words: int = 0
    links: int = 0
    images: int = 0
    logos: int = 0
    holds_main: bool = False
    holds_h1: bool = False
    holds_block: bool = False

    @property
    def name(self) -> str:
        """Its class and id in lower case: what it is for."""
        attributes = self.attributes
        if "class" in attributes or "id" in attributes:
            return f"{attributes.get('class', '')} {attributes.get('id', '')}".lower()
        return ""

    def elements(self) -> Iterator[Element]:
        """Itself and what it holds, in the order of the page."""
        waiting: list[Element] = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting.extend([child for child in reversed(element.children) if isinstance(child, Element)])

    def find(self, *tags: str) -> Iterator[Element]:
        return (element for element in self.elements() if element.tag in tags)

    def strings(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            else:
                yield from child.strings()

    @property
    def text(self) -> str:
        return " ".join("".join(self.strings()).split())

    def holding(self, children: list[Element | str], tag: str = "") -> Element:
        """A copy with other children."""
        copy = Element(tag or self.tag, self.attributes, children)
        tally(copy)
        return copy


@dataclass(slots=True, eq=False)
class Root(Element):
    """The tree of a page, all its elements, none before what holds it, and the text of its style sheets."""

    found: list[Element] = field(default_factory=list[Element])
    style_sheets: str = ""


def parse(html: str) -> Root:
    """The tree of a page."""
    page = LexborHTMLParser(SWALLOWS.sub(r"\1></iframe>", html))
    page.strip_tags(list(DRAWN))
    top = page.root
    root = Root("html", _attributes(top) if top else {})
    shadows: dict[Element, Element] = {}
    root.found = _grown(top, root, shadows) if top else [root]
    for host, shadow in shadows.items():
        _compose(host, shadow)
    _put_in_place(root.found, composed=bool(shadows))
    root.style_sheets = "".join(text for style in root.found if style.tag == "style" for text in style.strings())
    return root


def _grown(top: LexborNode, root: Element, shadows: dict[Element, Element]) -> list[Element]:
    """Hangs all that `top` holds into `root`; the elements, none before what holds it.

    A shadow tree becomes an element of its own in `shadows`, under its host.
    """
    found = [root]
    waiting = [(top, root, 0)]
    while waiting:
        node, parent, depth = waiting.pop()
        child = node.child
        while child is not None:
            tag = child.tag or ""
            if tag == "-text":
                text = child.text_content or ""
                parent.children.append(text if text.isascii() or parent.tag in CODE else cleaned(text))
            elif tag == "template" and (content := _shadow(child, parent, shadows)):
                shadows[parent] = shadow = Element("template", {})
                waiting.append((content, shadow, depth + 1))
            elif not tag.startswith(("-", "!")) and not (shadows and tag in DRAWN):
                element = Element(tag, _attributes(child))
                parent.children.append(element)
                found.append(element)
                if tag == "svg":
                    _name(element, child)
                    child = child.next
                    continue
                waiting.append((child, element if depth < DEEPEST else parent, depth + 1))
            child = child.next
    return found


def _name(element: Element, drawing: LexborNode) -> None:
    """An inline drawing has no text; its title and the symbol it shows are attributes of its element."""
    part, left = drawing.child, MOST_PARTS_OF_A_NAME
    while part is not None and left:
        if part.tag == "title":
            element.attributes = {**element.attributes, "title": cleaned(part.text())[:LONGEST_NAME]}
        elif part.tag == "use":
            shown = part.attributes.get("href") or part.attributes.get("xlink:href") or ""
            element.attributes = {**element.attributes, "href": shown[:LONGEST_NAME]}
        part, left = part.next, left - 1


def _shadow(template: LexborNode, host: Element, shadows: dict[Element, Element]) -> LexborNode | None:
    """The content of a declarative shadow tree. The first template of a host is its tree, all others are inert."""
    if (template.attributes.get("shadowrootmode") or "").lower() not in SHADOW_MODES or host in shadows:
        return None
    if host.tag not in SHADOW_HOSTS and "-" not in host.tag:
        return None
    return next(iter(template.template_fragments()), None)


def _compose(host: Element, shadow: Element) -> None:
    """Shows a host as browsers do: its shadow tree, its children in the slots. A child without a slot is unseen."""
    given: dict[str, list[Element | str]] = {}
    for child in host.children:
        name = child.attributes.get("slot", "") if isinstance(child, Element) else ""
        given.setdefault(name, []).append(child)
    for slot in list(shadow.find("slot")):
        slot.children = given.pop(slot.attributes.get("name", ""), slot.children)
    host.children = shadow.children


def _put_in_place(found: list[Element], *, composed: bool) -> None:
    """Counts, once parts that a server sent late, hidden at the end of the page, are where a script puts them."""
    scripts = (text for script in found if script.tag == "script" for text in script.strings() if "$RC(" in text)
    moves = [move for text in scripts for move in LATE.findall(text)][:MAX_MOVES]
    marked = {element.attributes.get("id", ""): element for element in found} if moves else {}
    for place, late in moves:
        if late in marked and place in marked and marked[place] not in marked[late].elements():
            marked[place].tag = "div"
            marked[place].children, marked[late].children = marked[late].children, []
    if moves or composed:
        _cut(found[0])
        count(found[0])
    else:
        for element in reversed(found):
            tally(element)


def _cut(root: Element) -> None:
    """Parts in parts in parts may be deeper than the page was."""
    waiting = [(root, 0)]
    while waiting:
        element, depth = waiting.pop()
        if depth > DEEPEST:
            element.children = []
        waiting += [(child, depth + 1) for child in element.children if isinstance(child, Element)]


def _attributes(node: LexborNode) -> dict[str, str]:
    attributes = node.attributes
    if None in attributes.values():
        return {name: value or "" for name, value in attributes.items()}
    return cast("dict[str, str]", attributes)


def word_count(text: str) -> int:
    """Words as a reader counts them; where none are spaced, two characters make one."""
    return len(text.split()) + (0 if text.isascii() else len(CJK.findall(text)) // 2)


def count(element: Element) -> None:
    """Sets what an element and all it holds are judged by."""
    for child in element.children:
        if isinstance(child, Element):
            count(child)
    tally(element)


def tally(element: Element) -> None:
    """Sets what an element is judged by from what it holds, which was counted before; code has no words."""
    words = link_words = links = 0
    images = int(element.tag == "img")
    logos = images or int(_is_named(element))
    is_leaf = True
    holds_main, holds_h1, holds_block = element.tag == "main", element.tag == "h1", element.tag in BLOCKS
    for child in element.children:
        if isinstance(child, str):
            words += len(child.split()) if child.isascii() else word_count(child)
            continue
        is_leaf = False
        words += child.words
        link_words += child.link_words
        links += child.links
        images += child.images
        logos += child.logos
        holds_main |= child.holds_main
        holds_h1 |= child.holds_h1
        holds_block |= child.holds_block
    if element.tag in CODE:
        words = 0
    if element.tag == "a":
        links, link_words = 1, words
    element.words, element.link_words, element.links, element.images = words, link_words, links, images
    element.logos, element.is_leaf = logos, is_leaf
    element.holds_main, element.holds_h1, element.holds_block = holds_main, holds_h1, holds_block


def _is_named(element: Element) -> bool:
    """Whether it is a picture, or a link around one, with a name of its own."""
    attributes = element.attributes
    if "aria-label" in attributes:
        named = element.tag in {"svg", "a"} or attributes.get("role") == "img"
        return named and attributes.get("aria-hidden") != "true"
    return element.tag == "svg" and "title" in attributes and attributes.get("aria-hidden") != "true"
