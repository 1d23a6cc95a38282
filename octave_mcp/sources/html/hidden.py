"""What a page holds that its readers do not see, and so must not be read either."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from octave_mcp.evidence.injection import may_address_model
from octave_mcp.sources.html.paint import (
    Doubt,
    Inherited,
    clips,
    doubt_of,
    ground_of,
    hidden_by_inheritance,
    still_hidden,
)
from octave_mcp.sources.html.tree import Element, Root

COVERS = re.compile(r"(?<![a-z])(?:background|bg|cover|overlay|backdrop|dim|absolute|object-fit)(?![a-z])")
GROUND_CLASS = re.compile(r"(?:^|\s)(?:has-[\w-]*background[\w-]*|bg-(?!white|light|transparent|body)[\w-]+)")

# One of them is in each rule of a style sheet that may hide.
HINTS = (
    "display",
    "visibility",
    "opacity",
    "font-size",
    "left",
    "top",
    "indent",
    "clip",
    "color",
    "transform",
    "translate",
    "scale",
    "zoom",
    "overflow",
)
SELECTOR = re.compile(r"\s*[a-z0-9]*([.#][\w-]+)\s*", re.IGNORECASE)
# The class that Webflow gives to what the conditions of a page leave out; its style sheet is a file of its own.
NOT_CHOSEN = "w-condition-invisible"
NEVER_HIDDEN = frozenset({"html", "body", "main"})
# What may hide an element, or say what a hidden one shows.
STYLING = frozenset({"style", "hidden", "aria-hidden", "color", "aria-label"})
# How tabs, accordions and carousels name what they show in turn.
CONTROLS = frozenset({"aria-controls", "data-target", "data-bs-target"})
SHOWN_IN_TURN = re.compile(
    r"slid(?:e|er)\b|slick|swiper|splide|carousel|owl-item|embla|glide__|tab-?(?:pane|panel|content)"
    r"|tabs?__(?:panel|content)"
    r"|accordion|collaps|faq|answer|expand"
)
OPENERS = frozenset({"button", "summary", "dt"})
DEEPEST_OPENER, MAX_OPENER_WORDS = 3, 40
SHARED = re.compile(r"\d+|[^\W\d]{3,}")
MAX_LABELLED_WORDS = 40
# What is longer is not dropped for an order in it: its parts may be.
MAX_INSTRUCTION_WORDS = 80


@dataclass(frozen=True, slots=True)
class Unseen:
    """The elements of one page that its readers never see."""

    elements: frozenset[int] = field(default=frozenset())
    """By identity."""
    _muted: frozenset[int] = field(default=frozenset())
    _said: dict[int, str] = field(default_factory=dict[int, str])

    def seen_of(self, element: Element) -> Element:
        """The element without its own text if only its children are seen, or with the words it shows in letters."""
        if (said := self._said.get(id(element))) is not None:
            return element.holding([said])
        if id(element) not in self._muted:
            return element
        return element.holding([" " if isinstance(child, str) else child for child in element.children])

    @property
    def changes(self) -> bool:
        return bool(self._muted or self._said)


def unseen(root: Root) -> Unseen:
    """What `root` hides; true as long as `root` lives."""
    controls = (element.attributes for element in root.found if not CONTROLS.isdisjoint(element.attributes))
    revealed = {control[name].lstrip("#") for control in controls for name in CONTROLS & control.keys()}
    search = _Search(root.style_sheets, frozenset(revealed - {""}))
    search.look_at(root)
    return Unseen(frozenset(search.hidden), frozenset(search.muted), search.said)


def _hidden_by(sheet: str) -> set[str]:
    """The classes and '#id's that style sheets hide. Rules for small screens are among them: it is a doubt."""
    found: set[str] = set()
    for selectors, rules in _rules_in(sheet):
        if any(word in rules for word in HINTS) and doubt_of(rules):
            named = map(SELECTOR.fullmatch, selectors.split(","))
            found.update(one[1].lstrip(".") for one in named if one)
    return found


def _rules_in(sheet: str) -> Iterator[tuple[str, str]]:
    """Selectors and declarations."""
    for rule in sheet.split("}"):
        selectors, _, rules = rule.rpartition("{")
        yield selectors.rpartition("{")[2], rules


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What stands around an element: the colour of its ground, and whether a doubt about it all was heard, and how."""

    ground: str = ""
    clipped: bool = False
    label: str = ""
    doubted: bool = False
    may_instruct: bool = True


class _Search:
    """What of a page is unseen: elements, and the own text of elements whose children are seen."""

    def __init__(self, sheet: str, revealed: frozenset[str]) -> None:
        self.hidden: set[int] = set()
        self.muted: set[int] = set()
        self.said: dict[int, str] = {}
        self._sheet = sheet
        self._hiding = _hidden_by(sheet)
        self._revealed = revealed
        self._waiting: list[tuple[Element, _Surroundings]] = []

    def look_at(self, root: Element) -> None:
        self._waiting.append((root, _Surroundings()))
        while self._waiting:
            parent, around = self._waiting.pop()
            before: Element | None = None
            for child in parent.children:
                if isinstance(child, str):
                    continue
                if around.doubted or around.ground or self._is_styled(child.attributes):
                    self._judge(child, around, before)
                    if around.ground and not child.words and _covers(child):
                        around = replace(around, ground="", doubted=True)
                else:
                    self._waiting.append((child, around))
                before = child

    def _is_styled(self, attributes: dict[str, str]) -> bool:
        if not attributes:
            return False
        if not STYLING.isdisjoint(attributes) or NOT_CHOSEN in attributes.get("class", ""):
            return True
        return bool(self._hiding) and _in_sheet(attributes, self._hiding)

    def _judge(self, child: Element, around: _Surroundings, before: Element | None) -> None:
        doubt = _doubt(child, self._hiding, around) if child.tag not in NEVER_HIDDEN else None
        shows = doubt == "not shown yet" and (_in_turn(child, self._revealed) or (before and _opens(before)))
        inside = _inside(child, around, doubted=doubt is not None or around.doubted)
        if _is_instruction(child, inside):
            self.hidden.add(id(child))
        elif not doubt or doubt == "faded" or shows:
            self._waiting.append((child, inside))
            if (label := child.attributes.get("aria-label")) and _is_spelled(child, label):
                self.said[id(child)] = " ".join(label.split())
        elif not self._shows_children(child, inside):
            self.hidden.add(id(child))

    def _shows_children(self, element: Element, inside: _Surroundings) -> bool:
        """Whether only inherited properties hide the element, and children that set their own are seen."""
        style = element.attributes.get("style", "")
        hidden = hidden_by_inheritance(style, inside.ground)
        if (
            not hidden
            or not element.words
            or _doubt(element, self._hiding, inside, without=hidden) not in {None, "faded"}
        ):
            return False
        return self._mutes(element, hidden, inside)

    def _mutes(self, element: Element, hidden: frozenset[Inherited], inside: _Surroundings) -> bool:
        shows = False
        for child in element.children:
            if isinstance(child, str):
                continue
            left = still_hidden(hidden, self._style_of(child))
            if not left:
                self._waiting.append((Element("div", {}, [child]), inside))
                shows = True
            elif self._mutes(child, left, inside):
                shows = True
            else:
                self.hidden.add(id(child))
        if shows:
            self.muted.add(id(element))
        return shows

    def _style_of(self, element: Element) -> str:
        """With what its classes set in the page's own style sheets."""
        named = [self._sizes[name] for name in element.attributes.get("class", "").split() if name in self._sizes]
        return ";".join([*named, element.attributes.get("style", "")]) if named else element.attributes.get("style", "")

    @cached_property
    def _sizes(self) -> dict[str, str]:
        """What classes set of the properties that are inherited."""
        found: dict[str, str] = {}
        for selectors, rules in _rules_in(self._sheet):
            if "font" in rules or "visibility" in rules:
                named = map(SELECTOR.fullmatch, selectors.split(","))
                found.update((one[1].lstrip("."), rules) for one in named if one)
        return found


def _inside(element: Element, around: _Surroundings, *, doubted: bool) -> _Surroundings:
    """What is around the children of an element. A harmless text is looked at once."""
    attributes = element.attributes
    style = attributes.get("style", "")
    label = attributes.get("aria-label", "") if element.words <= MAX_LABELLED_WORDS and not _is_call(element) else ""
    paints = "background" in style or (around.ground and GROUND_CLASS.search(element.name))
    if not (doubted or paints or label):
        return around
    ground = ground_of(style) or around.ground
    if paints and ground == around.ground and not clips(style):
        ground, doubted = "", True
    return _Surroundings(
        ground,
        clipped=around.clipped or clips(style),
        label=label or around.label,
        doubted=doubted,
        may_instruct=not doubted or (around.may_instruct and may_address_model(element.text)),
    )


def _is_call(element: Element) -> bool:
    """A link whose label says in full what it shows in short, such as 'Learn more'; not a card or a price."""
    return element.tag in {"a", "button"} and not (element.holds_block or any(map(str.isdigit, element.text)))


def _covers(element: Element) -> bool:
    """Whether it is a picture or a colour behind what comes next, so that the ground is not what was said before."""
    return bool(COVERS.search(element.name) or COVERS.search(element.attributes.get("style", "")))


def _is_spelled(element: Element, label: str) -> bool:
    """Whether it shows its label letter by letter, as animated headlines do."""
    if element.words > MAX_LABELLED_WORDS or element.links or element.text == " ".join(label.split()):
        return False
    return _letters(element.text) == _letters(label)


def _is_instruction(element: Element, inside: _Surroundings) -> bool:
    return inside.doubted and inside.may_instruct and element.words <= MAX_INSTRUCTION_WORDS


def _doubt(
    element: Element, hiding: set[str], around: _Surroundings, without: frozenset[Inherited] = frozenset()
) -> Doubt | None:
    attributes = element.attributes
    style = attributes.get("style")
    doubt = doubt_of(style, around.ground, clipped=around.clipped, without=without) if style else None
    if doubt == "never shown" or NOT_CHOSEN in attributes.get("class", "").split():
        return "never shown"
    if "hidden" in attributes:
        return "not shown yet"
    if (element.words or element.images) and attributes.get("aria-hidden", "").lower() == "true":
        return "faded" if _is_labelled(element, around.label) else "not shown yet"
    if doubt is None and (attributes.get("color") or (hiding and _in_sheet(attributes, hiding))):
        return "faded"
    return doubt


def _is_labelled(element: Element, label: str) -> bool:
    """Whether the label around it says what it shows, for those who hear the page."""
    if not label:
        return False
    shown = element.text.casefold()
    words = set(SHARED.findall(label.casefold()))
    return not words.isdisjoint(SHARED.findall(shown)) or _letters(shown) in _letters(label.casefold())


def _letters(text: str) -> str:
    return "".join(text.split())


def _in_sheet(attributes: dict[str, str], sheet: set[str]) -> bool:
    return not sheet.isdisjoint(attributes.get("class", "").split()) or f"#{attributes.get('id')}" in sheet


def _in_turn(element: Element, revealed: frozenset[str]) -> bool:
    role = element.attributes.get("role")
    return (
        role == "tabpanel"
        or (role == "region" and "aria-labelledby" in element.attributes)
        or element.attributes.get("id", "") in revealed
        or bool(SHOWN_IN_TURN.search(element.name))
    )


def _opens(element: Element, depth: int = DEEPEST_OPENER) -> bool:
    """Whether it is what a reader presses to see what comes next."""
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
    return depth > 0 and any(isinstance(child, Element) and _opens(child, depth - 1) for child in element.children)
