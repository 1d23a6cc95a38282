"""What of a page is its content. Lost text is gone, boilerplate only costs tokens: each rule has a budget.

W, the words of the page, is what a budget is a share of. The rules and their figures were tuned for recall on the
development pages of WCXB (arXiv 2605.21097).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from octave_mcp.sources.html.hidden import unseen
from octave_mcp.sources.html.tree import Element

NEVER = frozenset({"head", "script", "style", "template", "noscript", "dialog", "progress", "meter"}).union(
    {"option", "input", "textarea", "label"}
)
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
TITLES = HEADINGS | {"summary", "dt"}
QUOTES = frozenset({"article", "blockquote", "figure"})
MARKED = TITLES | QUOTES | {"main"}
COOKIES = re.compile(r"cookie|consent|gdpr|onetrust|cookiebot|breadcrumb|skip-?(?:link|nav|to)|(?:^| )skip(?: |$)")
STRONG = re.compile(
    r"\bnav-?bar|site-?(?:header|footer|nav)|main-?(?:menu|nav)|mega-?menu|off-?canvas|mobile-?(?:menu|nav)"
    r"|\bmodal\b|popup|lightbox|announcement|(?:promo|top|alert|notification)-?bar|disclaimer"
)
WEAK = re.compile(
    r"menu|sidebar|share|social|related|banner|newsletter|subscribe|pagination|\btoc\b|table-of-contents|widget"
    r"|latest|trending"
)
FOOTER = re.compile(r"footer")
NAMES = {"cookies": COOKIES, "strong": STRONG, "weak": WEAK, "footer": FOOTER}
DIALOGS = frozenset({"dialog", "alertdialog"})
ROLES = frozenset({"navigation", "menu", "menubar", "search", "banner", "contentinfo", "complementary"})

# Budgets, as shares of W.
FOOTER_SHARE, NAMED_SHARE, FRAME_SHARE, DOUBTFUL_SHARE, LEFT_SHARE, CENTRAL_SHARE = 0.6, 0.35, 0.3, 0.35, 0.12, 0.1
# How much of an element are links, from some of it to nothing else.
SOME_LINKS, MOSTLY_LINKS, ONLY_LINKS = 0.3, 0.5, 0.85
CARD_WORDS = 8
MOST_NOTICE_WORDS = 150
LEAST_WORDS = 40
FEW_WORDS = 20
FEWEST_FOOTER_LINKS = 3
FEWEST_LINKS, MOST_LIST_WORDS, MOST_WORDS_A_LINK = 5, 500, 4


@dataclass(frozen=True, slots=True)
class Place:
    """Where an element stands: inside main, inside what keeps its own footer, inside a heading."""

    main: bool = False
    quote: bool = False
    heading: bool = False

    def inside(self, element: Element) -> Place:
        if element.tag in MARKED or element.attributes.get("role") == "main":
            return Place(
                self.main or element.tag == "main" or element.attributes.get("role") == "main",
                self.quote or element.tag in QUOTES,
                self.heading or element.tag in TITLES,
            )
        return self


TOP = Place()
Rule = Callable[[Element, Place], bool]


def content(root: Element) -> Element:
    """The page without its boilerplate and without what is hidden; `root` stays as it is."""
    hidden = unseen(root)
    visible = _without(root, lambda element, place: _is_noise(element, place) or hidden.hides(element))
    words = visible.words
    strict = _without(visible, lambda element, place: _is_boilerplate(element, place, words))
    if strict.words and any(main.holds_h1 for main in visible.find("main")):
        return strict
    if strict.words >= max(min(LEAST_WORDS, words / 2), LEFT_SHARE * words):
        return strict
    return _without(visible, lambda element, place: _is_footer(element, place, words) and not _is_kept(element, words))


def _without(element: Element, drops: Rule, place: Place = TOP) -> Element:
    """Without the descendants that `drops` names, each of which leaves a space, as on the screen.

    What loses nothing is returned as it is, what does is copied: no tree changes.
    """
    inside = place.inside(element)
    children: list[Element | str] = []
    changed = False
    for child in element.children:
        if isinstance(child, str):
            children.append(child)
            continue
        kept = " " if drops(child, inside) else _without(child, drops, inside)
        changed |= kept is not child
        children.append(kept)
    return element.holding(children) if changed else element


@lru_cache(maxsize=4096)
def _named(name: str) -> frozenset[str]:
    """Which of the names of boilerplate a class and id have; pages say the same ones over and over."""
    return frozenset(kind for kind, pattern in NAMES.items() if pattern.search(name))


def _is_noise(element: Element, place: Place) -> bool:
    """What no page means to be read: code, fields, and notices that are not the company's words."""
    if element.tag in NEVER or element.attributes.get("role") in DIALOGS:
        return not _is_central(element)
    if element.tag == "button":
        return not place.heading and element.words < CARD_WORDS and not element.text.endswith("?")
    if not element.attributes:
        return False
    named = "cookies" in _named(element.name) or "breadcrumb" in element.attributes.get("aria-label", "").lower()
    if not named or element.tag in {"html", "body", "main", "article"} or element.tag in HEADINGS:
        return False
    return element.words <= MOST_NOTICE_WORDS and not _is_central(element)


def _is_central(element: Element) -> bool:
    return element.holds_main or element.holds_h1


def _is_boilerplate(element: Element, place: Place, words: int) -> bool:
    if element.tag in {"html", "body", "main"} or _is_kept(element, words):
        return False
    share = element.words / max(words, 1)
    return (
        _is_footer(element, place, words)
        or _is_frame(element, place, share)
        or (share <= NAMED_SHARE and _is_named(element, place))
        or _is_weak(element, share)
        or (not place.main and _is_link_list(element))
    )


def _is_kept(element: Element, words: int) -> bool:
    return element.holds_main or (element.holds_h1 and element.words > CENTRAL_SHARE * words)


def _is_footer(element: Element, place: Place, words: int) -> bool:
    """Navigation and the site's footer; that of a quotation names who said it."""
    role = element.attributes.get("role")
    footer = (element.tag == "footer" or role == "contentinfo") and not place.quote
    return (element.tag == "nav" or role == "navigation" or footer) and element.words <= FOOTER_SHARE * words


def _is_frame(element: Element, place: Place, share: float) -> bool:
    """The site's header and asides, which stand outside main."""
    if element.attributes.get("role") in ROLES:
        return share <= NAMED_SHARE
    if element.tag not in {"header", "aside"} or place.main or share > FRAME_SHARE:
        return False
    return _link_share(element) > SOME_LINKS or element.words < LEAST_WORDS


def _is_named(element: Element, place: Place) -> bool:
    """By its class or id; a card has a footer too, with who said it, or one link."""
    names = _named(element.name)
    if "footer" in names and not place.quote and element.links >= FEWEST_FOOTER_LINKS:
        return _link_share(element) > SOME_LINKS
    return "strong" in names


def _is_weak(element: Element, share: float) -> bool:
    if "weak" not in _named(element.name) or share > DOUBTFUL_SHARE or element.tag in QUOTES:
        return False
    return _link_share(element) > MOSTLY_LINKS or element.words < FEW_WORDS


def _is_link_list(element: Element) -> bool:
    """Outside main, a block of short bare links with nothing else to read."""
    if element.links < FEWEST_LINKS or element.words > MOST_LIST_WORDS or _link_share(element) <= ONLY_LINKS:
        return False
    if element.link_words > MOST_WORDS_A_LINK * element.links or element.images or element.holds_h1:
        return False
    return not any(element.find("p", "h2", "h3"))


def _link_share(element: Element) -> float:
    return element.link_words / max(element.words, 1)
