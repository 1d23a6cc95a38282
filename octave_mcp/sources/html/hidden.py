"""What a page holds that its readers do not see, and so must not be read either."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from octave_mcp.evidence.injection import may_address_model
from octave_mcp.sources.html.tree import Element

Doubt = Literal["never shown", "not shown yet", "faded"]
"""From text that nobody ever sees, over what a control may show, to what pages fade in and lay out by class."""

HIDING: tuple[tuple[str, str, Doubt], ...] = (
    (
        "font-size",
        r"0(?![.\d])|0?\.[0-2]\d*(?:r?em|%|vw|vh)?$|0?\.\d+(?:px|pt)|[0-2](?:\.\d+)?(?:px|pt)",
        "never shown",
    ),
    ("left right top bottom text-indent margin-left margin-top", r"-\d{4,}|-\d{3,}(?:vw|vh|r?em)", "never shown"),
    ("clip", r"rect\(\s*[01]?(?:px)?[\s,]+[01]", "never shown"),
    ("clip-path", r"inset\(\s*(?:50|100)%|circle\(\s*0|polygon\(\s*0(?:px|%)?\s+0(?:px|%)?\s*\)", "never shown"),
    (
        "color -webkit-text-fill-color",
        r"transparent|rgba\([^)]*[,/]\s*0?(?:\.0+|0)\s*\)|#(?:...0|.{6}00)$",
        "never shown",
    ),
    ("transform", r".*translate[xy3d]*\(\s*-\d{4,}", "never shown"),
    ("display", "none", "not shown yet"),
    ("visibility content-visibility", "hidden|collapse", "not shown yet"),
    ("left right top bottom", r"-\d{3}%", "not shown yet"),
    ("transform", r".*scale[xy3d]*\(\s*0\s*[,)]", "not shown yet"),
    ("opacity", r"0(?:\.0\d*)?%?$|\.0\d*$", "faded"),
    ("filter", r".*opacity\(\s*0", "faded"),
    ("line-height", "0(?:px)?$", "faded"),
)
HIDES: dict[str, list[tuple[re.Pattern[str], Doubt]]] = {
    name: [(re.compile(pattern), doubt) for names, pattern, doubt in HIDING if name in names.split()]
    for name in " ".join(names for names, _, _ in HIDING).split()
}
SIZES = frozenset({"width", "height", "max-width", "max-height"})
NO_SIZE = re.compile(r"[01]?(?:\.\d+)?(?:px|em|rem|%)?|0")
BACKGROUNDS = ("background-color", "background")
HEX = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})(?![0-9a-f])")
RGB = re.compile(r"rgba?\(\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)")
NAMED = {"white": (255, 255, 255), "black": (0, 0, 0)}
LEAST_CONTRAST = 12
"""Of 255 in one of red, green and blue."""

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
    "overflow",
)
SELECTOR = re.compile(r"\s*[a-z0-9]*([.#][\w-]+)\s*", re.IGNORECASE)
NEVER_HIDDEN = frozenset({"html", "body", "main"})
# How tabs, accordions and carousels name what they show in turn.
CONTROLS = frozenset({"aria-controls", "data-target", "data-bs-target"})
SHOWN_IN_TURN = re.compile(
    r"slid(?:e|er)\b|slick|swiper|splide|carousel|owl-item|embla|glide__|tab-?(?:pane|panel|content)"
    r"|tabs?__(?:panel|content)"
    r"|accordion|collaps|faq|answer|expand"
)
OPENERS = frozenset({"button", "summary", "dt"})
DEEPEST_OPENER, MOST_OPENER_WORDS = 3, 40
MOST_INSTRUCTION_WORDS = 80
"""What is longer is not dropped for an order in it: its parts may be."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """The elements of one page that its readers never see."""

    _elements: frozenset[int] = field(default=frozenset())

    def hides(self, element: Element) -> bool:
        return id(element) in self._elements


def unseen(root: Element) -> Unseen:
    """What `root` hides; true as long as `root` lives."""
    sheets: list[str] = []
    revealed: set[str] = set()
    for element in root.elements():
        if element.tag == "style":
            sheets += element.strings()
        elif not CONTROLS.isdisjoint(element.attributes):
            revealed.update(element.attributes[name].lstrip("#") for name in CONTROLS & element.attributes.keys())
    return Unseen(frozenset(id(child) for child in _hidden(root, _hidden_by("".join(sheets)), revealed - {""})))


def _hidden_by(sheet: str) -> set[str]:
    """The classes and '#id's that style sheets hide. Rules for small screens are among them: it is a doubt."""
    found: set[str] = set()
    for rule in sheet.split("}"):
        selectors, _, declarations = rule.rpartition("{")
        if any(word in declarations for word in HINTS) and _doubt_of(declarations):
            named = map(SELECTOR.fullmatch, selectors.rpartition("{")[2].split(","))
            found.update(one[1].lstrip(".") for one in named if one)
    return found


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What stands around an element: the colour of its ground, and whether a doubt about it all was heard, and how."""

    ground: str = ""
    doubted: bool = False
    may_instruct: bool = True


def _hidden(root: Element, sheet: set[str], revealed: set[str]) -> Iterator[Element]:
    waiting = [(root, _Surroundings())]
    while waiting:
        parent, around = waiting.pop()
        before: Element | None = None
        for child in parent.children:
            if isinstance(child, str):
                continue
            if not (child.attributes or around.doubted):
                waiting.append((child, around))
                before = child
                continue
            doubt = _doubt(child, sheet, around.ground) if child.tag not in NEVER_HIDDEN else None
            shows = doubt == "not shown yet" and (_in_turn(child, revealed) or (before and _opens(before)))
            inside = _inside(child, around, doubted=doubt is not None or around.doubted)
            if (doubt and doubt != "faded" and not shows) or _is_instruction(child, inside):
                yield child
            else:
                waiting.append((child, inside))
            before = child


def _inside(element: Element, around: _Surroundings, *, doubted: bool) -> _Surroundings:
    """What is around the children of an element. A harmless text is looked at once."""
    style = element.attributes.get("style", "")
    if not doubted and "background" not in style:
        return around
    ground = _ground(style) or around.ground
    if not doubted:
        return _Surroundings(ground)
    may_instruct = around.may_instruct and may_address_model(element.text)
    return _Surroundings(ground, doubted=True, may_instruct=may_instruct)


def _is_instruction(element: Element, inside: _Surroundings) -> bool:
    return inside.doubted and inside.may_instruct and element.words <= MOST_INSTRUCTION_WORDS


def _doubt(element: Element, sheet: set[str], ground: str) -> Doubt | None:
    attributes = element.attributes
    doubt = _doubt_of(style, ground) if (style := attributes.get("style")) else None
    if doubt == "never shown":
        return doubt
    if "hidden" in attributes or (
        (element.words or element.images) and attributes.get("aria-hidden", "").lower() == "true"
    ):
        return "not shown yet"
    if doubt is None and (attributes.get("color") or (sheet and _in_sheet(attributes, sheet))):
        return "faded"
    return doubt


def _in_sheet(attributes: dict[str, str], sheet: set[str]) -> bool:
    return not sheet.isdisjoint(attributes.get("class", "").split()) or f"#{attributes.get('id')}" in sheet


@lru_cache(maxsize=4096)
def _doubt_of(style: str, ground: str = "") -> Doubt | None:
    """How surely declarations hide what stands on this ground; the surest of them counts."""
    rules = _rules(style)
    known = rules.keys() & HIDES.keys()
    doubts = {doubt for name in known for pattern, doubt in HIDES[name] if pattern.match(rules[name])}
    if _is_unreadable(rules.get("color", ""), _ground(style) or ground):
        return "never shown"
    if rules.get("overflow") == "hidden" and any(NO_SIZE.fullmatch(rules[size]) for size in SIZES & rules.keys()):
        doubts.add("not shown yet")
    return next((doubt for doubt in ("never shown", "not shown yet", "faded") if doubt in doubts), None)


def _rules(style: str) -> dict[str, str]:
    rules: dict[str, str] = {}
    for declaration in style.lower().split(";"):
        name, _, value = declaration.partition(":")
        rules[name.strip()] = value.replace("!important", "").strip()
    return rules


def _ground(style: str) -> str:
    """What it paints behind the text; empty if nothing is said."""
    if "background" not in style:
        return ""
    rules = _rules(style)
    return next((rules[name] for name in BACKGROUNDS if name in rules), "")


def _is_unreadable(letters: str, ground: str) -> bool:
    """Whether the letters have the colour of what they stand on."""
    if letters == ground and letters not in {"", "inherit", "initial", "unset"} and not letters.startswith("var("):
        return True
    one, other = _colour(letters), _colour(ground)
    return bool(one and other) and max(abs(a - b) for a, b in zip(one, other, strict=True)) < LEAST_CONTRAST


def _colour(text: str) -> tuple[int, ...]:
    """Red, green and blue; nothing if it is not known."""
    if named := NAMED.get(text):
        return named
    if found := HEX.match(text):
        digits = found[1] if len(found[1]) > 3 else "".join(digit * 2 for digit in found[1])  # noqa: PLR2004 - #rgb
        return tuple(int(digits[at : at + 2], 16) for at in (0, 2, 4))
    found = RGB.match(text)
    return tuple(map(int, found.groups())) if found else ()


def _in_turn(element: Element, revealed: set[str]) -> bool:
    role = element.attributes.get("role")
    return (
        role == "tabpanel"
        or (role == "region" and "aria-labelledby" in element.attributes)
        or element.attributes.get("id", "") in revealed
        or bool(SHOWN_IN_TURN.search(element.name))
    )


def _opens(element: Element, depth: int = DEEPEST_OPENER) -> bool:
    """Whether it is what a reader presses to see what comes next."""
    if element.words > MOST_OPENER_WORDS or not element.words:
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
