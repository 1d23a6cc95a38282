"""A page's elements as plain values, and the one place where HTML is parsed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser, LexborNode

# What reads the tree is recursive; deeper elements hang their content here.
DEEPEST = 150
CODE = frozenset({"script", "style", "template", "noscript"})
CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")


@dataclass(slots=True, eq=False)
class Element:
    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list["Element | str"])
    words: int = 0
    link_words: int = 0
    links: int = 0
    images: int = 0
    holds_main: bool = False
    holds_h1: bool = False

    @property
    def name(self) -> str:
        """Its class and id, which say what it is for."""
        return f"{self.attributes.get('class', '')} {self.attributes.get('id', '')}".lower()

    def elements(self) -> Iterator[Element]:
        """Itself and what it holds, in the order of the page."""
        waiting: list[Element] = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting.extend(child for child in reversed(element.children) if isinstance(child, Element))

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


def parse(html: str) -> Element:
    """The tree of a page."""
    top = LexborHTMLParser(html).root
    root = Element("html", _attributes(top) if top else {})
    waiting: list[tuple[LexborNode, Element, int]] = [(top, root, 0)] if top else []
    while waiting:
        node, parent, depth = waiting.pop()
        child = node.child
        while child is not None:
            _adopt(child, parent, depth, waiting)
            child = child.next
    count(root)
    return root


def _adopt(node: LexborNode, parent: Element, depth: int, waiting: list[tuple[LexborNode, Element, int]]) -> None:
    tag = node.tag or ""
    if tag == "-text":
        parent.children.append(node.text_content or "")
    elif not tag.startswith(("-", "!")):
        element = Element(tag, _attributes(node))
        parent.children.append(element)
        waiting.append((node, element if depth < DEEPEST else parent, depth + 1))


def _attributes(node: LexborNode) -> dict[str, str]:
    return {name: value or "" for name, value in node.attributes.items()}


def word_count(text: str) -> int:
    """Words as a reader counts them; where none are spaced, two characters make one."""
    return len(text.split()) + (0 if text.isascii() else len(CJK.findall(text)) // 2)


def count(element: Element) -> None:
    """Sets what an element and all it holds are judged by; code has no words."""
    element.words = element.link_words = element.links = 0
    element.images = int(element.tag == "img")
    element.holds_main, element.holds_h1 = element.tag == "main", element.tag == "h1"
    for child in element.children:
        if isinstance(child, str):
            element.words += word_count(child)
        else:
            count(child)
            _add(element, child)
    if element.tag in CODE:
        element.words = 0
    if element.tag == "a":
        element.links, element.link_words = 1, element.words


def _add(element: Element, child: Element) -> None:
    element.words += child.words
    element.link_words += child.link_words
    element.links += child.links
    element.images += child.images
    element.holds_main |= child.holds_main
    element.holds_h1 |= child.holds_h1
