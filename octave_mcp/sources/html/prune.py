"""Removes boilerplate and hidden text from the tree of a page.

If boilerplate is kept, it only costs tokens. If content is dropped, it is lost. Therefore, a rule usually does not drop
an element with a large share of the page's words. Each rule's limit for this share is its budget. The rules and budgets
were tuned for high recall on the development set of the benchmark WCXB (arXiv 2605.21097).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from octave_mcp.sources.html.controls import CONTROLS, Controls, is_data_form
from octave_mcp.sources.html.hidden import HiddenContent, find_hidden
from octave_mcp.sources.html.names import Name, names_of
from octave_mcp.sources.html.tree import HEADINGS, Element, Root

ALWAYS_DROPPED = frozenset({"head", "script", "style", "template", "noscript", "dialog", "progress", "meter"}).union(
    {"option", "input", "textarea"}
)
NEVER_DROPPED = frozenset({"html", "body", "main"})
NOT_NOTICES = NEVER_DROPPED | HEADINGS | {"article"}
TITLE_TAGS = HEADINGS | {"summary", "dt"}
QUOTE_TAGS = frozenset({"article", "blockquote", "figure"})
# A header or footer inside one of these elements usually belongs to that element and not to the site. The HTML
# Accessibility API Mappings have a similar rule.
PART_TAGS = QUOTE_TAGS | {"section", "main", "aside", "nav", "details", "td", "li", "dd", "fieldset"}
FRAME_TAGS = frozenset({"header", "nav", "footer", "aside"})
PLACE_TAGS = TITLE_TAGS | PART_TAGS | FRAME_TAGS | {"form"}
DIALOG_ROLES = frozenset({"dialog", "alertdialog"})
MENU_ROLES = frozenset({"navigation", "menu", "menubar", "search"})
COPYRIGHT = re.compile(r"©|\(c\) ?\d{4}|\bcopyright\b|\ball rights reserved\b", re.IGNORECASE)
CONSENT_WORD = re.compile(
    r"accept|agree|consent|privacy|akzept|zustimm|einwillig|datenschutz|confidentialit|acept|privacidad|accett|aceit"
    r"|zgod|akcept|соглас|конфиденц|同意|接受|隐私|隱私|プライバシー|동의",
    re.IGNORECASE,
)

# Matches a digit or the end of a statement. A short text with a match is usually more than a label.
STATEMENT = re.compile(r"[.!。！][”\"'»)]?(?:\s|$)|\d")

# Budgets: a rule usually does not drop an element that has more than this share of the page's words.
MAX_FOOTER_SHARE, MAX_NAMED_SHARE, MAX_FRAME_SHARE = 0.6, 0.35, 0.3
# If the rules would keep less than this share of a page's words, they have probably misjudged the page, unless its h1
# is in <main>. On misjudged pages, only navigation and footers are dropped.
MIN_LEFT_SHARE = 0.12
# An element that contains an h1 and more than this share of the words is never dropped as boilerplate.
MIN_SUBJECT_SHARE = 0.1
# If more than this share of an element's words is linked, the element has some links, mostly links or only links.
SOME_LINKS, MOSTLY_LINKS, ONLY_LINKS = 0.3, 0.5, 0.85
MAX_NOTICE_WORDS = 150
MIN_WORDS = 40
# If <main> has at least this many words outside links, it counts as the whole content, so short labels outside <main>
# are dropped.
MIN_MAIN_WORDS = 150
MAX_BREADCRUMB_WORDS, MAX_SKIP_WORDS = 25, 10
MAX_BOX_WORDS = 20
# If an element with a class such as `share` has at most this many words and no links, it is a label: "Share this".
MAX_LABEL_WORDS = 4
MIN_FOOTER_LINKS = 3
MAX_PARENT_SHARE = 0.5
MIN_LIST_LINKS, MAX_LIST_WORDS, MAX_WORDS_PER_LINK = 5, 500, 4


@dataclass(frozen=True, slots=True)
class Place:
    """Whether an element is inside <main>, a quotation, a heading, a section, a frame (such as a header) or a form."""

    main: bool = False
    quote: bool = False
    heading: bool = False
    part: bool = False
    frame: bool = False
    form: bool = False

    def within(self, element: Element) -> Place:
        tag, attributes = element.tag, element.attributes
        is_main = tag == "main" or ("role" in attributes and attributes["role"] == "main")
        if not is_main and tag not in PLACE_TAGS:
            return self
        return Place(
            main=self.main or is_main,
            quote=self.quote or tag in QUOTE_TAGS,
            heading=self.heading or tag in TITLE_TAGS,
            part=self.part or is_main or tag in PART_TAGS,
            frame=self.frame or (tag in FRAME_TAGS and not self.main),
            form=self.form or is_data_form(element),
        )


TOP = Place()
# Decides whether to drop an element. The arguments are the element, its place, its parent, and its index in the parent.
Rule = Callable[[Element, Place, Element, int], bool]


def main_content(root: Root) -> Element:
    """Return a copy of the page without boilerplate and hidden text."""
    hidden = find_hidden(root)
    controls = Controls(root)
    visible = _without(
        root,
        lambda element, place, parent, index: (
            id(element) in hidden.elements
            or (
                not controls.is_content(element, parent, index, in_form=place.form or place.frame)
                if element.tag in CONTROLS and not place.heading
                else _is_noise(element)
            )
        ),
        hidden if hidden.changes_elements else None,
    )
    stats = PageStats.measured(visible)
    pruned = _without(
        visible,
        lambda element, place, parent, _: (
            not _is_subject(element, stats) and _is_boilerplate(element, place, parent, stats)
        ),
    )
    if pruned.words and stats.main_holds_h1:
        return pruned
    if pruned.words >= max(min(MIN_WORDS, stats.words / 2), MIN_LEFT_SHARE * stats.words):
        return pruned
    return _without(
        visible,
        lambda element, place, parent, _: _is_footer(element, place, parent, stats) and not _is_subject(element, stats),
    )


@dataclass(frozen=True, slots=True)
class PageStats:
    """Facts about the whole page that the rules need."""

    words: int
    subject: Element | None
    """The only h1, or None if all of its words are linked, because a linked h1 is often the logo."""
    has_main: bool
    """Whether <main> has so much text that it counts as the whole content of the page."""
    main_holds_h1: bool

    @classmethod
    def measured(cls, page: Element) -> PageStats:
        headings = [h1 for h1 in _innermost(page, lambda element: element.holds_h1) if h1.words]
        subject = headings[0] if len(headings) == 1 and headings[0].words > headings[0].link_words else None
        mains = list(_innermost(page, lambda element: element.holds_main))
        has_main = any(main.words - main.link_words >= MIN_MAIN_WORDS for main in mains)
        return cls(page.words, subject, has_main, any(main.holds_h1 for main in mains))


def _innermost(element: Element, contains: Callable[[Element], bool]) -> Iterator[Element]:
    if not contains(element):
        return
    children = [child for child in element.children if isinstance(child, Element) and contains(child)]
    for child in children:
        yield from _innermost(child, contains)
    if not children:
        yield element


def _without(element: Element, should_drop: Rule, hidden: HiddenContent | None = None, place: Place = TOP) -> Element:
    """Return the element without those descendants for which `should_drop` returns True.

    Each dropped element is replaced with a space. The original tree is not changed, because elements that change are
    copied.
    """
    inner = place.within(element)
    visible = hidden.visible_part(element) if hidden else element
    changed: dict[int, Element | str] = {}
    for index, child in enumerate(visible.children):
        if isinstance(child, str):
            continue
        if should_drop(child, inner, element, index):
            changed[index] = " "
            continue
        pruned = child if child.is_leaf and not hidden else _without(child, should_drop, hidden, inner)
        # If a button or label is content, it becomes a block, because its text would otherwise be joined to the text
        # after the button or label.
        if child.tag in CONTROLS and not inner.heading:
            pruned = pruned.with_children(pruned.children, tag="div")
        if pruned is not child:
            changed[index] = pruned
    if changed:
        return element.with_children([changed.get(index, child) for index, child in enumerate(visible.children)])
    return visible


def _is_noise(element: Element) -> bool:
    """Return whether an element is never content, as is the case for code, closed dialogs and consent notices."""
    attributes = element.attributes
    if element.tag == "dialog" and "open" not in attributes:
        return not element.holds_main
    if element.tag in ALWAYS_DROPPED or (attributes and attributes.get("role") in DIALOG_ROLES):
        return not _holds_subject(element)
    if not (attributes and 0 < element.words <= MAX_NOTICE_WORDS) or element.tag in NOT_NOTICES:
        return False
    names = names_of(element)
    if "breadcrumb" in attributes.get("aria-label", "").lower() or "breadcrumb" in names:
        return element.words <= MAX_BREADCRUMB_WORDS and not _has_heading(element)
    if "skip" in names:
        return element.words <= MAX_SKIP_WORDS
    return "consent" in names and not _holds_subject(element) and _asks_consent(element)


def _asks_consent(element: Element) -> bool:
    """Return whether an element is a notice that asks for consent, and not a section about data protection."""
    text = element.text
    if not CONSENT_WORD.search(text):
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


def _holds_subject(element: Element) -> bool:
    return element.holds_main or element.holds_h1


def _is_boilerplate(element: Element, place: Place, parent: Element, stats: PageStats) -> bool:
    if element.tag in NEVER_DROPPED or not (element.words or element.logos):
        return False
    is_frame = element.tag in FRAME_TAGS or "role" in element.attributes
    return (
        (is_frame and (_is_footer(element, place, parent, stats) or _is_frame(element, place, parent, stats)))
        or _has_boilerplate_name(element, place, element.words / max(stats.words, 1))
        or (stats.has_main and not place.main and _is_outside_label(element))
        or (not place.main and _is_link_list(element))
    )


def _is_subject(element: Element, stats: PageStats) -> bool:
    if element.holds_main or not element.holds_h1:
        return element.holds_main
    return element.words > MIN_SUBJECT_SHARE * stats.words or any(h1 is stats.subject for h1 in element.find("h1"))


def _has_heading(element: Element, *tags: str) -> bool:
    """Return whether an element contains a heading that is not only a link."""
    return any(heading.words > heading.link_words for heading in element.find(*(tags or HEADINGS)))


def _is_footer(element: Element, place: Place, parent: Element, stats: PageStats) -> bool:
    """Return whether an element is navigation or the footer of the site."""
    role = element.attributes.get("role")
    is_menu = element.tag == "nav" or role == "navigation"
    if not (is_menu or element.tag == "footer" or role == "contentinfo"):
        return False
    is_long = element.words > MAX_FOOTER_SHARE * stats.words and (place.main or not stats.has_main)
    if is_long and (is_menu or element.holds_h1 or _link_share(element) <= MOSTLY_LINKS):
        return False
    return is_menu or (
        not place.quote and (not _belongs_to_part(element, place, parent, stats) or _is_site_footer(element))
    )


def _belongs_to_part(element: Element, place: Place, parent: Element, stats: PageStats) -> bool:
    """Return whether a header or footer belongs to a part of the page, such as a quotation, and not to the site."""
    return place.part or element.words < parent.words <= MAX_PARENT_SHARE * stats.words


def _is_site_footer(footer: Element) -> bool:
    if footer.links >= MIN_FOOTER_LINKS and _link_share(footer) > SOME_LINKS:
        return True
    is_short = footer.words <= MAX_NOTICE_WORDS or footer.links >= MIN_FOOTER_LINKS
    return is_short and bool(COPYRIGHT.search(footer.text))


def _is_frame(element: Element, place: Place, parent: Element, stats: PageStats) -> bool:
    """Return whether an element is a menu, an aside or the header of the site. Inside <main>, only menus count."""
    role = element.attributes.get("role")
    if role in MENU_ROLES:
        return element.words <= MAX_NAMED_SHARE * stats.words
    is_header = element.tag == "header" or role == "banner"
    if not (is_header or element.tag == "aside" or role == "complementary") or place.main:
        return False
    if element.words > MAX_FRAME_SHARE * stats.words and not (is_header and stats.has_main):
        return False
    if _link_share(element) > SOME_LINKS:
        return not place.part or element.links >= MIN_FOOTER_LINKS
    if not is_header:
        return "place" in names_of(element)
    return (
        not _belongs_to_part(element, place, parent, stats) and element.words < MIN_WORDS and not _has_heading(element)
    )


def _has_boilerplate_name(element: Element, place: Place, share: float) -> bool:
    """Return whether an element is boilerplate according to its class or id, unless its content contradicts that."""
    names = names_of(element)
    if not names or element.tag in HEADINGS:
        return False
    if (
        "footer" in names
        and not (place.quote or element.holds_h1)
        and share <= MAX_FOOTER_SHARE
        and _is_site_footer(element)
    ):
        return True
    if share > MAX_NAMED_SHARE:
        return False
    if "overlay" in names or ("notice" in names and not _has_heading(element)):
        return element.tag != "a"
    return _is_links_or_label(element, names)


def _is_links_or_label(element: Element, names: frozenset[Name]) -> bool:
    """Return whether an element with a class such as `menu` contains nothing but links or a label."""
    if element.tag in QUOTE_TAGS or not names & {"links", "place"}:
        return False
    if _link_share(element) > MOSTLY_LINKS:
        return "links" in names or (element.links > 1 and not _has_heading(element))
    is_label = element.words < MAX_BOX_WORDS if element.links else element.words <= MAX_LABEL_WORDS
    return "links" in names and is_label and not _has_statement(element)


def _has_statement(element: Element) -> bool:
    """Return whether a short text is more than a label, because it contains a sentence, a figure or a heading."""
    if any(element.find("form")):
        return False
    text = element.text
    return bool(STATEMENT.search(text)) or (_link_share(element) <= SOME_LINKS and any(element.find(*HEADINGS)))


def _is_outside_label(element: Element) -> bool:
    """Return whether an element outside <main> is only a short label, such as "High contrast" or "Back to top"."""
    if element.words >= MIN_WORDS or STATEMENT.search(element.text):
        return False
    return not _has_heading(element, "h1", "h2")


def _is_link_list(element: Element) -> bool:
    """Return whether an element is a list of short links without any other text."""
    if element.links < MIN_LIST_LINKS or element.words > MAX_LIST_WORDS or _link_share(element) <= ONLY_LINKS:
        return False
    if element.link_words > MAX_WORDS_PER_LINK * element.links or element.images or element.holds_h1:
        return False
    return not any(element.find("p", "h2", "h3"))


def _link_share(element: Element) -> float:
    return element.link_words / max(element.words, 1)
