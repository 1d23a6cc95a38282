"""Finds text that is hidden from the readers of a page, and that is therefore not extracted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from octave_mcp.evidence.injection import may_address_model
from octave_mcp.sources.html.paint import (
    Hiding,
    Inherited,
    background_of,
    clips_background,
    hidden_by_inheritance,
    hiding_of,
    still_hidden,
)
from octave_mcp.sources.html.tree import Element, Root

# Matches words in classes such as `hero-bg` and `img-overlay`, and in styles. An empty element with such a class or
# style can cover the background behind its siblings.
COVER_NAME = re.compile(r"(?<![a-z])(?:background|bg|cover|overlay|backdrop|dim|absolute|object-fit)(?![a-z])")
# Matches classes that set a background of unknown colour, such as WordPress's `has-primary-background-color` and
# Tailwind's `bg-blue-600`.
BACKGROUND_CLASS = re.compile(r"(?:^|\s)(?:has-[\w-]*background[\w-]*|bg-(?!white|light|transparent|body)[\w-]+)")

# A style rule that contains none of these words rarely hides an element, so it is not parsed.
HINT = re.compile(
    "display|visibility|opacity|font-size|left|top|indent|clip|color|transform|translate|scale|zoom|overflow"
)
SELECTOR = re.compile(r"\s*[a-z0-9]*([.#][\w-]+)\s*", re.IGNORECASE)
# Webflow hides elements with this class. The class is listed here, because Webflow's style sheet is a separate file
# that is not fetched.
WEBFLOW_HIDDEN = "w-condition-invisible"
NEVER_HIDDEN = frozenset({"html", "body", "main"})
HIDING_ATTRIBUTES = frozenset({"style", "hidden", "aria-hidden", "color", "aria-label"})
TARGET_ATTRIBUTES = frozenset({"aria-controls", "data-target", "data-bs-target"})
# Matches classes of content that readers can open or scroll to: `swiper-slide`, `tab-pane`, `faq-answer`.
SHOWN_LATER_NAME = re.compile(
    r"slid(?:e|er)\b|slick|swiper|splide|carousel|owl-item|embla|glide__|tab-?(?:pane|panel|content)"
    r"|tabs?__(?:panel|content)"
    r"|accordion|collaps|faq|answer|expand"
)
OPENERS = frozenset({"button", "summary", "dt"})
MAX_OPENER_DEPTH, MAX_OPENER_WORDS = 3, 40
# Matches numbers, and words of three or more letters. Shorter words are too common to show that a label repeats a text.
LABEL_WORD = re.compile(r"\d+|[^\W\d]{3,}")
MAX_LABELLED_WORDS = 40
# A possibly hidden element that contains an instruction to a language model is dropped if it has at most this many
# words. In a longer element, each child is checked instead.
MAX_INSTRUCTION_WORDS = 80


@dataclass(frozen=True, slots=True)
class HiddenContent:
    """The hidden elements of a page, and the elements whose visible text differs from their text in the HTML."""

    elements: frozenset[int] = field(default=frozenset())
    """By `id()`."""
    _own_text_hidden: frozenset[int] = field(default=frozenset())
    _spelled_labels: dict[int, str] = field(default_factory=dict[int, str])

    def visible_part(self, element: Element) -> Element:
        """Return the element with only its visible text.

        If the element spells its label letter by letter, replace its text with the label.
        """
        if (label := self._spelled_labels.get(id(element))) is not None:
            return element.with_children([label])
        if id(element) not in self._own_text_hidden:
            return element
        return element.with_children([" " if isinstance(child, str) else child for child in element.children])

    @property
    def changes_elements(self) -> bool:
        return bool(self._own_text_hidden or self._spelled_labels)


def find_hidden(root: Root) -> HiddenContent:
    """Find the hidden elements and texts of a page.

    The result refers to elements by `id()`, so it is valid only while `root` exists.
    """
    controls = (
        element.attributes for element in root.all_elements if not TARGET_ATTRIBUTES.isdisjoint(element.attributes)
    )
    targets = {control[name].lstrip("#") for control in controls for name in TARGET_ATTRIBUTES & control.keys()}
    search = _Search(root.style_sheets, frozenset(targets - {""}))
    search.scan(root)
    return HiddenContent(frozenset(search.hidden), frozenset(search.own_text_hidden), search.spelled_labels)


def _selectors_that_hide(sheet: str) -> set[str]:
    """Return the classes and `#id`s that a style sheet hides, at least on some screens."""
    hidden_selectors: set[str] = set()
    for selectors, rules in _rules_in(sheet):
        if HINT.search(rules) and hiding_of(rules):
            matches = map(SELECTOR.fullmatch, selectors.split(","))
            hidden_selectors.update(match[1].lstrip(".") for match in matches if match)
    return hidden_selectors


def _rules_in(sheet: str) -> Iterator[tuple[str, str]]:
    for rule in sheet.split("}"):
        selectors, _, rules = rule.rpartition("{")
        yield selectors.rpartition("{")[2], rules


@dataclass(frozen=True, slots=True)
class _Context:
    """Facts about an element's ancestors that affect whether the element is visible.

    `clipped`: whether an ancestor shows its background only inside the letters (`background-clip: text`). `label`: the
    `aria-label` of the nearest ancestor that has one. `suspect`: whether an ancestor is possibly hidden.
    `may_be_instruction`: whether the text of the possibly hidden ancestors could be an instruction to a language model.
    """

    background: str = ""
    clipped: bool = False
    label: str = ""
    suspect: bool = False
    may_be_instruction: bool = True


class _Search:
    """Walks through the tree of a page, and collects hidden elements and texts."""

    def __init__(self, sheet: str, revealed: frozenset[str]) -> None:
        self.hidden: set[int] = set()
        self.own_text_hidden: set[int] = set()
        self.spelled_labels: dict[int, str] = {}
        self._style_sheets = sheet
        self._hiding_selectors = _selectors_that_hide(sheet)
        self._revealed = revealed
        self._pending: list[tuple[Element, _Context]] = []

    def scan(self, root: Element) -> None:
        self._pending.append((root, _Context()))
        while self._pending:
            parent, context = self._pending.pop()
            previous: Element | None = None
            for child in parent.children:
                if isinstance(child, str):
                    continue
                if context.suspect or context.background or self._may_be_hidden(child.attributes):
                    self._classify(child, context, previous)
                    if context.background and not child.words and _is_cover(child):
                        context = replace(context, background="", suspect=True)
                else:
                    self._pending.append((child, context))
                previous = child

    def _may_be_hidden(self, attributes: dict[str, str]) -> bool:
        if not attributes:
            return False
        if not HIDING_ATTRIBUTES.isdisjoint(attributes) or WEBFLOW_HIDDEN in attributes.get("class", ""):
            return True
        return bool(self._hiding_selectors) and _matches_selectors(attributes, self._hiding_selectors)

    def _classify(self, child: Element, context: _Context, previous: Element | None) -> None:
        hiding = _hiding_of(child, self._hiding_selectors, context) if child.tag not in NEVER_HIDDEN else None
        is_shown_later = hiding == "not shown yet" and (
            _is_shown_later(child, self._revealed) or (previous and _is_opener(previous))
        )
        inner = _context_inside(child, context, suspect=hiding is not None or context.suspect)
        if _may_be_instruction(child, inner):
            self.hidden.add(id(child))
        elif not hiding or hiding == "faded" or is_shown_later:
            self._pending.append((child, inner))
            if (label := child.attributes.get("aria-label")) and _is_spelled_out(child, label):
                self.spelled_labels[id(child)] = " ".join(label.split())
        elif not self._has_visible_children(child, inner):
            self.hidden.add(id(child))

    def _has_visible_children(self, element: Element, inner: _Context) -> bool:
        """Return whether a child of a hidden element is visible.

        A child is visible if only inherited properties hide the parent, and if the child overrides these properties.
        """
        style = element.attributes.get("style", "")
        hidden = hidden_by_inheritance(style, inner.background)
        if (
            not hidden
            or not element.words
            or _hiding_of(element, self._hiding_selectors, inner, without=hidden) not in {None, "faded"}
        ):
            return False
        return self._hide_own_text(element, hidden, inner)

    def _hide_own_text(self, element: Element, hidden: frozenset[Inherited], inner: _Context) -> bool:
        has_visible_child = False
        for child in element.children:
            if isinstance(child, str):
                continue
            still_hiding = still_hidden(hidden, self._style_with_classes(child))
            if not still_hiding:
                # The child is wrapped in a <div>, because `scan` checks only the children of an element, not the
                # element itself.
                self._pending.append((Element("div", {}, [child]), inner))
                has_visible_child = True
            elif self._hide_own_text(child, still_hiding, inner):
                has_visible_child = True
            else:
                self.hidden.add(id(child))
        if has_visible_child:
            self.own_text_hidden.add(id(element))
        return has_visible_child

    def _style_with_classes(self, element: Element) -> str:
        """Return the style of an element: the style sheet rules for its classes, followed by its style attribute."""
        own, names = element.attributes.get("style", ""), element.attributes.get("class", "").split()
        class_styles = [self._class_styles[name] for name in names if name in self._class_styles]
        return ";".join([*class_styles, own]) if class_styles else own

    @cached_property
    def _class_styles(self) -> dict[str, str]:
        """Maps each class or id to its style sheet rule, if the rule sets an inherited property such as `font-size`."""
        styles: dict[str, str] = {}
        for selectors, rules in _rules_in(self._style_sheets):
            if "font" in rules or "visibility" in rules:
                matches = map(SELECTOR.fullmatch, selectors.split(","))
                styles.update((match[1].lstrip("."), rules) for match in matches if match)
        return styles


def _context_inside(element: Element, context: _Context, *, suspect: bool) -> _Context:
    attributes = element.attributes
    style = attributes.get("style", "")
    label = (
        attributes.get("aria-label", "") if element.words <= MAX_LABELLED_WORDS and not _is_short_link(element) else ""
    )
    paints_background = "background" in style or (context.background and BACKGROUND_CLASS.search(element.name))
    if not (suspect or paints_background or label):
        return context
    background = background_of(style) or context.background
    # If the element has a background of unknown colour, for example one from a class, text on it can be readable even
    # if the text has the colour of an ancestor's background.
    if paints_background and background == context.background and not clips_background(style):
        background, suspect = "", True
    # If the text of a possibly hidden element cannot be an instruction to a language model, its descendants need not be
    # checked for instructions.
    return _Context(
        background,
        clipped=context.clipped or clips_background(style),
        label=label or context.label,
        suspect=suspect,
        may_be_instruction=not suspect or (context.may_be_instruction and may_address_model(element.text)),
    )


def _is_short_link(element: Element) -> bool:
    """Return whether an element is a short link such as "Learn more", which often has a longer `aria-label`."""
    return element.tag in {"a", "button"} and not (element.holds_block or any(map(str.isdigit, element.text)))


def _is_cover(element: Element) -> bool:
    """Return whether an empty element covers the background behind its siblings, as `hero-bg` does."""
    return bool(COVER_NAME.search(element.name) or COVER_NAME.search(element.attributes.get("style", "")))


def _is_spelled_out(element: Element, label: str) -> bool:
    """Return whether an element contains its label letter by letter, as animated headlines do."""
    if element.words > MAX_LABELLED_WORDS or element.links or element.text == " ".join(label.split()):
        return False
    return _letters(element.text) == _letters(label)


def _may_be_instruction(element: Element, inner: _Context) -> bool:
    return inner.suspect and inner.may_be_instruction and element.words <= MAX_INSTRUCTION_WORDS


def _hiding_of(
    element: Element, selectors: set[str], context: _Context, without: frozenset[Inherited] = frozenset()
) -> Hiding | None:
    attributes = element.attributes
    style = attributes.get("style")
    hiding = hiding_of(style, context.background, clipped=context.clipped, without=without) if style else None
    if hiding == "never shown" or WEBFLOW_HIDDEN in attributes.get("class", "").split():
        return "never shown"
    if "hidden" in attributes:
        return "not shown yet"
    if (element.words or element.images) and attributes.get("aria-hidden", "").lower() == "true":
        return "faded" if _is_read_aloud(element, context.label) else "not shown yet"
    if hiding is None and (attributes.get("color") or (selectors and _matches_selectors(attributes, selectors))):
        return "faded"
    return hiding


def _is_read_aloud(element: Element, label: str) -> bool:
    """Return whether the label repeats the element's text, or at least one of its words.

    If it does, the text is visible despite `aria-hidden`. The attribute only keeps screen readers from reading both the
    label and the text aloud.
    """
    if not label:
        return False
    text = element.text.casefold()
    words = set(LABEL_WORD.findall(label.casefold()))
    return not words.isdisjoint(LABEL_WORD.findall(text)) or _letters(text) in _letters(label.casefold())


def _letters(text: str) -> str:
    return "".join(text.split())


def _matches_selectors(attributes: dict[str, str], selectors: set[str]) -> bool:
    return not selectors.isdisjoint(attributes.get("class", "").split()) or f"#{attributes.get('id')}" in selectors


def _is_shown_later(element: Element, revealed: frozenset[str]) -> bool:
    role = element.attributes.get("role")
    return (
        role == "tabpanel"
        or (role == "region" and "aria-labelledby" in element.attributes)
        or element.attributes.get("id", "") in revealed
        or bool(SHOWN_LATER_NAME.search(element.name))
    )


def _is_opener(element: Element, depth: int = MAX_OPENER_DEPTH) -> bool:
    """Return whether an element is a question or button that shows its next sibling when clicked."""
    if element.words > MAX_OPENER_WORDS or not element.words:
        return False
    if (
        element.tag in OPENERS
        or "aria-expanded" in element.attributes
        or element.attributes.get("role") in {"button", "tab"}
    ):
        return True
    if element.text.endswith(("?", "？")):
        return True
    return depth > 0 and any(isinstance(child, Element) and _is_opener(child, depth - 1) for child in element.children)
