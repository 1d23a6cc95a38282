"""What of a page is its content. Lost text is gone, boilerplate only costs tokens: each rule has a budget.

W, the words of the page, is what a budget is a share of. The rules and their figures were tuned for recall on the
development pages of WCXB (arXiv 2605.21097).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from octave_mcp.sources.html.controls import CONTROLS, Controls, is_data_form
from octave_mcp.sources.html.hidden import Unseen, unseen
from octave_mcp.sources.html.names import Name, names_of
from octave_mcp.sources.html.tree import HEADINGS, Element, Root

NEVER = frozenset({"head", "script", "style", "template", "noscript", "dialog", "progress", "meter"}).union(
    {"option", "input", "textarea"}
)
KEPT = frozenset({"html", "body", "main"})
NEVER_NOTICE = KEPT | HEADINGS | {"article"}
TITLES = HEADINGS | {"summary", "dt"}
QUOTES = frozenset({"article", "blockquote", "figure"})
# What a header or footer belongs to, if it stands inside (HTML Accessibility API Mappings, 3.5).
PARTS = QUOTES | {"section", "main", "aside", "nav", "details", "td", "li", "dd", "fieldset"}
FRAMES = frozenset({"header", "nav", "footer", "aside"})
MARKED = TITLES | PARTS | FRAMES | {"form"}
DIALOGS = frozenset({"dialog", "alertdialog"})
FRAMES_OF_SITE = frozenset({"nav", "footer", "header", "aside"})
MENUS = frozenset({"navigation", "menu", "menubar", "search"})
COPYRIGHT = re.compile(r"©|\(c\) ?\d{4}|\bcopyright\b|\ball rights reserved\b", re.IGNORECASE)
CONSENT = re.compile(
    r"accept|agree|consent|privacy|akzept|zustimm|einwillig|datenschutz|confidentialit|acept|privacidad|accett|aceit"
    r"|zgod|akcept|соглас|конфиденц|同意|接受|隐私|隱私|プライバシー|동의",
    re.IGNORECASE,
)

STATEMENT = re.compile(r"[.!。！][”\"'»)]?(?:\s|$)|\d")

# Budgets, as shares of W.
FOOTER_SHARE, NAMED_SHARE, FRAME_SHARE, DOUBTFUL_SHARE, LEFT_SHARE, CENTRAL_SHARE = 0.6, 0.35, 0.3, 0.35, 0.12, 0.1
# How much of an element are links, from some of it to nothing else.
SOME_LINKS, MOSTLY_LINKS, ONLY_LINKS = 0.3, 0.5, 0.85
MAX_NOTICE_WORDS = 150
MIN_WORDS = 40
MUCH_TEXT = 150
MAX_CRUMBS, MAX_SKIP_WORDS = 25, 10
FEW_WORDS = 20
# Of a part without a link that only names what is beside it, as in 'Share this'.
MAX_LABEL_WORDS = 4
MIN_FOOTER_LINKS = 3
MOST_OF_PAGE = 0.5
MIN_LINKS, MAX_LIST_WORDS, MAX_WORDS_A_LINK = 5, 500, 4


@dataclass(frozen=True, slots=True)
class Place:
    """Where an element stands: in main, a quotation, a heading, a part of the page, its frame, or a form to fill in."""

    main: bool = False
    quote: bool = False
    heading: bool = False
    part: bool = False
    frame: bool = False
    form: bool = False

    def inside(self, element: Element) -> Place:
        tag, attributes = element.tag, element.attributes
        is_main = tag == "main" or ("role" in attributes and attributes["role"] == "main")
        if not is_main and tag not in MARKED:
            return self
        return Place(
            main=self.main or is_main,
            quote=self.quote or tag in QUOTES,
            heading=self.heading or tag in TITLES,
            part=self.part or is_main or tag in PARTS,
            frame=self.frame or (tag in FRAMES and not self.main),
            form=self.form or is_data_form(element),
        )


TOP = Place()
# Whether an element goes, by where it stands and as which child of what.
Rule = Callable[[Element, Place, Element, int], bool]


def content(root: Root) -> Element:
    """The page without its boilerplate and without what is hidden; `root` stays as it is."""
    hidden = unseen(root)
    controls = Controls(root)
    visible = _without(
        root,
        lambda element, place, inside, at: (
            id(element) in hidden.elements
            or (
                not controls.is_content(element, inside, at, in_form=place.form or place.frame)
                if element.tag in CONTROLS and not place.heading
                else _is_noise(element)
            )
        ),
        hidden if hidden.changes else None,
    )
    whole = Whole.of(visible)
    words = whole.words
    strict = _without(
        visible,
        lambda element, place, inside, _: (
            not _is_kept(element, whole) and _is_boilerplate(element, place, inside, whole)
        ),
    )
    if strict.words and whole.main_holds_h1:
        return strict
    if strict.words >= max(min(MIN_WORDS, words / 2), LEFT_SHARE * words):
        return strict
    return _without(
        visible,
        lambda element, place, inside, _: _is_footer(element, place, inside, whole) and not _is_kept(element, whole),
    )


@dataclass(frozen=True, slots=True)
class Whole:
    """What the parts of a page are compared with."""

    words: int
    subject: Element | None
    """The only h1 with words of its own: the name of a logo is a link, and menus may have several."""
    has_main: bool
    """Whether <main> has enough text to need none of the frame."""
    main_holds_h1: bool

    @classmethod
    def of(cls, page: Element) -> Whole:
        headings = [h1 for h1 in _inmost(page, lambda element: element.holds_h1) if h1.words]
        subject = headings[0] if len(headings) == 1 and headings[0].words > headings[0].link_words else None
        mains = list(_inmost(page, lambda element: element.holds_main))
        has_main = any(main.words - main.link_words >= MUCH_TEXT for main in mains)
        return cls(page.words, subject, has_main, any(main.holds_h1 for main in mains))


def _inmost(element: Element, holds: Callable[[Element], bool]) -> Iterator[Element]:
    """The elements that hold a thing and have no child that does."""
    if not holds(element):
        return
    inside = [child for child in element.children if isinstance(child, Element) and holds(child)]
    for child in inside:
        yield from _inmost(child, holds)
    if not inside:
        yield element


def _without(element: Element, drops: Rule, hidden: Unseen | None = None, place: Place = TOP) -> Element:
    """Without the descendants that `drops` names, each of which leaves a space, as on the screen.

    What loses nothing is returned as it is, what does is copied: no tree changes.
    """
    inside = place.inside(element)
    seen = hidden.seen_of(element) if hidden else element
    changed: dict[int, Element | str] = {}
    for at, child in enumerate(seen.children):
        if isinstance(child, str):
            continue
        if drops(child, inside, element, at):
            changed[at] = " "
            continue
        kept = child if child.is_leaf and not hidden else _without(child, drops, hidden, inside)
        if child.tag in CONTROLS and not inside.heading:
            kept = kept.holding(kept.children, tag="div")
        if kept is not child:
            changed[at] = kept
    if changed:
        return element.holding([changed.get(at, child) for at, child in enumerate(seen.children)])
    return seen


def _is_noise(element: Element) -> bool:
    """What no page means to be read: code, fields, and notices that are not the company's words."""
    attributes = element.attributes
    if element.tag == "dialog" and "open" not in attributes:
        return not element.holds_main
    if element.tag in NEVER or (attributes and attributes.get("role") in DIALOGS):
        return not _is_central(element)
    if not (attributes and 0 < element.words <= MAX_NOTICE_WORDS) or element.tag in NEVER_NOTICE:
        return False
    names = names_of(element)
    if "breadcrumb" in attributes.get("aria-label", "").lower() or "breadcrumb" in names:
        return element.words <= MAX_CRUMBS and not _has_heading(element)
    if "skip" in names:
        return element.words <= MAX_SKIP_WORDS
    return "consent" in names and not _is_central(element) and _asks_consent(element)


def _asks_consent(element: Element) -> bool:
    """Whether it wants an answer; a part about data protection has a heading, and no button to agree."""
    text = element.text
    if not CONSENT.search(text):
        return False
    if any(map(_is_button, element.elements())):
        return True
    return (element.links > 0 or "cookie" in text.lower()) and not _has_heading(element)


def _is_button(element: Element) -> bool:
    if (
        element.tag in {"button", "input"}
        or element.attributes.get("role") == "button"
        or "button" in names_of(element)
    ):
        return True
    return element.tag == "a" and element.attributes.get("href", "#").startswith(("#", "javascript:"))


def _is_central(element: Element) -> bool:
    return element.holds_main or element.holds_h1


def _is_boilerplate(element: Element, place: Place, inside: Element, whole: Whole) -> bool:
    if element.tag in KEPT or not (element.words or element.logos):
        return False
    is_frame = element.tag in FRAMES_OF_SITE or "role" in element.attributes
    return (
        (is_frame and (_is_footer(element, place, inside, whole) or _is_frame(element, place, inside, whole)))
        or _is_named(element, place, element.words / max(whole.words, 1))
        or (whole.has_main and not place.main and _is_aside_of_main(element))
        or (not place.main and _is_link_list(element))
    )


def _is_kept(element: Element, whole: Whole) -> bool:
    if element.holds_main or not element.holds_h1:
        return element.holds_main
    return element.words > CENTRAL_SHARE * whole.words or any(h1 is whole.subject for h1 in element.find("h1"))


def _has_heading(element: Element, *tags: str) -> bool:
    """Whether it has a heading with words of its own, not only those of links."""
    return any(found.words > found.link_words for found in element.find(*(tags or HEADINGS)))


def _is_footer(element: Element, place: Place, inside: Element, whole: Whole) -> bool:
    """Navigation and the site's footer."""
    role = element.attributes.get("role")
    is_menu = element.tag == "nav" or role == "navigation"
    if not (is_menu or element.tag == "footer" or role == "contentinfo"):
        return False
    is_long = element.words > FOOTER_SHARE * whole.words and (place.main or not whole.has_main)
    if is_long and (is_menu or element.holds_h1 or _link_share(element) <= MOSTLY_LINKS):
        return False
    return is_menu or (not place.quote and (not _is_of_part(element, place, inside, whole) or _is_of_site(element)))


def _is_of_part(element: Element, place: Place, inside: Element, whole: Whole) -> bool:
    """Whether a header or footer belongs to a part: a quotation names who said it, a card where it leads."""
    return place.part or element.words < inside.words <= MOST_OF_PAGE * whole.words


def _is_of_site(footer: Element) -> bool:
    if footer.links >= MIN_FOOTER_LINKS and _link_share(footer) > SOME_LINKS:
        return True
    is_short = footer.words <= MAX_NOTICE_WORDS or footer.links >= MIN_FOOTER_LINKS
    return is_short and bool(COPYRIGHT.search(footer.text))


def _is_frame(element: Element, place: Place, inside: Element, whole: Whole) -> bool:
    """The site's header and asides, which stand outside main."""
    role = element.attributes.get("role")
    if role in MENUS:
        return element.words <= NAMED_SHARE * whole.words
    is_header = element.tag == "header" or role == "banner"
    if not (is_header or element.tag == "aside" or role == "complementary") or place.main:
        return False
    if element.words > FRAME_SHARE * whole.words and not (is_header and whole.has_main):
        return False
    if _link_share(element) > SOME_LINKS:
        return not place.part or element.links >= MIN_FOOTER_LINKS
    if not is_header:
        return "place" in names_of(element)
    return not _is_of_part(element, place, inside, whole) and element.words < MIN_WORDS and not _has_heading(element)


def _is_named(element: Element, place: Place, share: float) -> bool:
    """By its class or id, and by what it holds."""
    names = names_of(element)
    if not names or element.tag in HEADINGS:
        return False
    if "footer" in names and not (place.quote or element.holds_h1) and share <= FOOTER_SHARE and _is_of_site(element):
        return True
    if share > NAMED_SHARE:
        return False
    if "overlay" in names or ("notice" in names and not _has_heading(element)):
        return element.tag != "a"
    return _is_doubtful(element, names)


def _is_doubtful(element: Element, names: frozenset[Name]) -> bool:
    """Lists of links and forms, whatever they are called; text of its own is content."""
    if element.tag in QUOTES or not names & {"links", "place"}:
        return False
    if _link_share(element) > MOSTLY_LINKS:
        return "links" in names or (element.links > 1 and not _has_heading(element))
    is_label = element.words < FEW_WORDS if element.links else element.words <= MAX_LABEL_WORDS
    return "links" in names and is_label and not _says_something(element)


def _says_something(element: Element) -> bool:
    """A short text under a name such as 'share' is a label, unless it is a sentence, a figure or a heading."""
    if any(element.find("form")):
        return False
    text = element.text
    return bool(STATEMENT.search(text)) or (_link_share(element) <= SOME_LINKS and any(element.find(*HEADINGS)))


def _is_aside_of_main(element: Element) -> bool:
    """A few words outside main that are no sentence, no figure and no title: 'High contrast', 'Back to top'."""
    if element.words >= MIN_WORDS or STATEMENT.search(element.text):
        return False
    return not _has_heading(element, "h1", "h2")


def _is_link_list(element: Element) -> bool:
    """Outside main, a block of short bare links with nothing else to read."""
    if element.links < MIN_LINKS or element.words > MAX_LIST_WORDS or _link_share(element) <= ONLY_LINKS:
        return False
    if element.link_words > MAX_WORDS_A_LINK * element.links or element.images or element.holds_h1:
        return False
    return not any(element.find("p", "h2", "h3"))


def _link_share(element: Element) -> float:
    return element.link_words / max(element.words, 1)
