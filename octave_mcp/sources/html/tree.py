"""Parses HTML to a tree of `Element` objects, which count their words, links and pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from selectolax.lexbor import LexborHTMLParser, LexborNode

from octave_mcp.sources.html.characters import cleaned

# The depth is limited because many functions that read the tree are recursive. If elements are nested more deeply,
# their content is moved up to the element at this depth.
MAX_DEPTH = 150
CODE = frozenset({"script", "style", "template", "noscript"})
# These elements are left out of the tree, because most of them are media, embedded pages or lists of options, which
# contain no sentences.
TEXTLESS_TAGS = frozenset("link source track math canvas video audio object embed iframe select datalist map".split())
LISTS = frozenset({"ul", "ol", "menu"})
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
BLOCKS = LISTS.union(
    {"html", "body", "main", "article", "section", "div", "p", "header", "aside", "nav", "address", "hgroup", "search"},
    {"figure", "figcaption", "blockquote", "pre", "hr", "details", "summary", "form", "fieldset", "legend", "center"},
    {"h1", "h2", "h3", "h4", "h5", "h6", "dl", "dt", "dd", "li", "footer"},
    {"table", "thead", "tbody", "tfoot", "tr", "td", "th", "caption"},
)
# Browsers that run scripts do not parse the content of <noscript>, but this parser does. An unclosed `<iframe/>` in
# <noscript> would then swallow the rest of the page, so it is closed first.
UNCLOSED_IFRAME = re.compile(r"(<noscript[^<>]*>\s*<iframe[^<>]*)/>", re.IGNORECASE)
MAX_MOVES = 200
MAX_SVG_CHILDREN, MAX_SVG_NAME_CHARACTERS = 8, 200
# The elements that can have a shadow tree according to the DOM standard. Custom elements, which have a hyphen in their
# names, can have a shadow tree, too.
SHADOW_HOSTS = frozenset(
    "article aside blockquote body div footer h1 h2 h3 h4 h5 h6 header main nav p section span".split()
)
SHADOW_MODES = frozenset({"open", "closed"})
# If content is not ready in time, React sends it later, in a hidden element. The call `$RC("B:0","S:0")` then moves the
# content of `S:0` to the place of `B:0`.
STREAMED_MOVE = re.compile(r"\$RC\(\"(B:\w+)\",\"(S:\w+)\"")
CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")


@dataclass(slots=True, eq=False)
class Element:
    """An element with its children and counts.

    `is_leaf`: whether the element contains no other element. `holds_main`, `holds_h1`, `holds_block`: whether the
    element is a <main>, an h1 or a block, or contains one.
    """

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
        """The class and id in lower case, which hint at the purpose of the element."""
        attributes = self.attributes
        if "class" in attributes or "id" in attributes:
            return f"{attributes.get('class', '')} {attributes.get('id', '')}".lower()
        return ""

    def elements(self) -> Iterator[Element]:
        """Yield the element and its descendants in document order."""
        pending: list[Element] = [self]
        while pending:
            element = pending.pop()
            yield element
            pending.extend([child for child in reversed(element.children) if isinstance(child, Element)])

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

    def with_children(self, children: list[Element | str], tag: str = "") -> Element:
        """Return a copy of the element with these children."""
        copy = Element(tag or self.tag, self.attributes, children)
        update_counts(copy)
        return copy


@dataclass(slots=True, eq=False)
class Root(Element):
    """The root of a page's tree, all its elements (parents before children), and the text of its style sheets.

    `in_order`: the elements in document order. Because the tree does not change once it is parsed, it is walked only
    once, although many functions look for elements in it.
    """

    all_elements: list[Element] = field(default_factory=list[Element])
    in_order: list[Element] = field(default_factory=list[Element])
    style_sheets: str = ""

    def elements(self) -> Iterator[Element]:
        return iter(self.in_order or Element.elements(self))


def parse(html: str) -> Root:
    """Parse HTML into a tree."""
    page = LexborHTMLParser(UNCLOSED_IFRAME.sub(r"\1></iframe>", html))
    page.strip_tags(list(TEXTLESS_TAGS))
    top_node = page.root
    root = Root("html", _attributes(top_node) if top_node else {})
    shadows: dict[Element, Element] = {}
    root.all_elements = _build(top_node, root, shadows) if top_node else [root]
    for host, shadow in shadows.items():
        _compose(host, shadow)
    _move_streamed(root.all_elements, has_shadow_trees=bool(shadows))
    root.in_order = list(root.elements())
    root.style_sheets = "".join(text for style in root.all_elements if style.tag == "style" for text in style.strings())
    return root


def _build(top_node: LexborNode, root: Element, shadows: dict[Element, Element]) -> list[Element]:
    """Copy the descendants of a parsed node into `root`, and return all elements, parents before children.

    Each shadow tree is stored in `shadows`, with the element to which it belongs as the key.
    """
    all_elements = [root]
    pending = [(top_node, root, 0)]
    while pending:
        node, parent, depth = pending.pop()
        child = node.child
        while child is not None:
            tag = child.tag or ""
            if tag == "-text":
                text = child.text_content or ""
                parent.children.append(text if text.isascii() or parent.tag in CODE else cleaned(text))
            elif tag == "template" and (content := _shadow_content(child, parent, shadows)):
                shadows[parent] = shadow = Element("template", {})
                pending.append((content, shadow, depth + 1))
            elif not tag.startswith(("-", "!")) and not (shadows and tag in TEXTLESS_TAGS):
                element = Element(tag, _attributes(child))
                parent.children.append(element)
                all_elements.append(element)
                if tag == "svg":
                    _add_svg_name(element, child)
                    child = child.next
                    continue
                pending.append((child, element if depth < MAX_DEPTH else parent, depth + 1))
            child = child.next
    return all_elements


def _add_svg_name(element: Element, svg: LexborNode) -> None:
    """Set two attributes of an SVG element: `title` to the drawing's title, and `href` to the symbol that it uses."""
    child, children_left = svg.child, MAX_SVG_CHILDREN
    while child is not None and children_left:
        if child.tag == "title":
            element.attributes = {**element.attributes, "title": cleaned(child.text())[:MAX_SVG_NAME_CHARACTERS]}
        elif child.tag == "use":
            symbol = child.attributes.get("href") or child.attributes.get("xlink:href") or ""
            element.attributes = {**element.attributes, "href": symbol[:MAX_SVG_NAME_CHARACTERS]}
        child, children_left = child.next, children_left - 1


def _shadow_content(template: LexborNode, host: Element, shadows: dict[Element, Element]) -> LexborNode | None:
    """Return the content of a template that declares the shadow tree of `host`.

    If an element has several such templates, only the first one is used.
    """
    if (template.attributes.get("shadowrootmode") or "").lower() not in SHADOW_MODES or host in shadows:
        return None
    if host.tag not in SHADOW_HOSTS and "-" not in host.tag:
        return None
    return next(iter(template.template_fragments()), None)


def _compose(host: Element, shadow: Element) -> None:
    """Replace the children of an element with its shadow tree, and move the children into the slots of the shadow tree.

    Children without a matching slot are dropped, because browsers do not show them.
    """
    slotted: dict[str, list[Element | str]] = {}
    for child in host.children:
        name = child.attributes.get("slot", "") if isinstance(child, Element) else ""
        slotted.setdefault(name, []).append(child)
    for slot in list(shadow.find("slot")):
        slot.children = slotted.pop(slot.attributes.get("name", ""), slot.children)
    host.children = shadow.children


def _move_streamed(all_elements: list[Element], *, has_shadow_trees: bool) -> None:
    """Move streamed content to the place where React's scripts would put it, and compute the counts of all elements."""
    scripts = (text for script in all_elements if script.tag == "script" for text in script.strings() if "$RC(" in text)
    moves = [move for text in scripts for move in STREAMED_MOVE.findall(text)][:MAX_MOVES]
    by_id = {element.attributes.get("id", ""): element for element in all_elements} if moves else {}
    for placeholder_id, streamed_id in moves:
        # An element must not be moved into itself, because that would create a cycle.
        if (
            streamed_id in by_id
            and placeholder_id in by_id
            and by_id[placeholder_id] not in by_id[streamed_id].elements()
        ):
            by_id[placeholder_id].tag = "div"
            by_id[placeholder_id].children, by_id[streamed_id].children = by_id[streamed_id].children, []
    if moves or has_shadow_trees:
        _cut_below_max_depth(all_elements[0])
        count_all(all_elements[0])
    else:
        for element in reversed(all_elements):
            update_counts(element)


def _cut_below_max_depth(root: Element) -> None:
    """Moving content can nest elements more deeply than `MAX_DEPTH`, so remove the content below that depth."""
    pending = [(root, 0)]
    while pending:
        element, depth = pending.pop()
        if depth > MAX_DEPTH:
            element.children = []
        pending += [(child, depth + 1) for child in element.children if isinstance(child, Element)]


def _attributes(node: LexborNode) -> dict[str, str]:
    attributes = node.attributes
    if None in attributes.values():
        return {name: value or "" for name, value in attributes.items()}
    return cast("dict[str, str]", attributes)


def word_count(text: str) -> int:
    """Count words. Two Chinese, Japanese or Korean characters count as one word."""
    return len(text.split()) + (0 if text.isascii() else len(CJK.findall(text)) // 2)


def count_all(element: Element) -> None:
    """Set the counts of an element and its descendants."""
    for child in element.children:
        if isinstance(child, Element):
            count_all(child)
    update_counts(element)


def update_counts(element: Element) -> None:
    """Compute the counts of an element from the counts of its children. Words in code are not counted."""
    words = link_words = links = 0
    images = int(element.tag == "img")
    logos = images or int(_is_named_picture(element))
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


def _is_named_picture(element: Element) -> bool:
    """Return whether an element is a link or a drawing, and has a label or title."""
    attributes = element.attributes
    if "aria-label" in attributes:
        can_be_named = element.tag in {"svg", "a"} or attributes.get("role") == "img"
        return can_be_named and attributes.get("aria-hidden") != "true"
    return element.tag == "svg" and "title" in attributes and attributes.get("aria-hidden") != "true"
