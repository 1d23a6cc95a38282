"""Extracts the names of companies from the alternative texts of logos."""

from __future__ import annotations

import re
from collections.abc import Iterator

from octave_mcp.evidence.injection import may_address_model
from octave_mcp.sources.html.tree import Element

MAX_NAME_CHARACTERS, MAX_NAME_WORDS = 30, 4
MAX_LOGO_LABEL_CHARACTERS, MAX_LOGO_LABEL_WORDS = 70, 8
LOGO_WORD = re.compile(r"\blogo(?:type|s)?\b", re.IGNORECASE)
# Matches words before or after the company's name in an alternative text: "Customer logo of Acme", "Acme logo white",
# "Visit Acme website".
LOGO_WORDING = re.compile(
    r"^(?:the )?(?:(?:company |customer |client |partner )?logo(?:type)?(?: (?:of|for|von|de)(?: the)?\b)?[\s:–-]*"
    r"|(?:visit|view|go to|read about) )|(?:[’']s)?(?<![\s–-])[\s–-]+(?:(?:company |corporate )?logo(?:type)?"
    r"|(?:case study|customer story|story|website|homepage))(?: (?:image|icon|svg|white|black|dark|light|colou?r))*$",
    re.IGNORECASE,
)
NO_NAME = re.compile(
    r"(?:logo|image|photo|icon|picture|screenshot|avatar|img)s?|.*\.(?:png|jpe?g|svg|webp)", re.IGNORECASE
)
ICON_NAME = re.compile(
    r"(?:(?:main |open |close |toggle )*(?:menu|search|navigation)|menü|suche|schließen|close|open|play|pause|mute|next"
    r"|prev(?:ious)?|back|forward|scroll|home|user|account|log ?in|cart|bag|basket|phone|e-?mail|mail|calendar|clock"
    r"|time|location|map|globe|language|settings|gear|info(?:rmation)?|help|question|warning|error|success|check(?:mark|ed)?"
    r"|tick|cross|plus|minus|add|remove|delete|edit|copy|save|share|print|download|upload|filter|sort|refresh|loading"
    r"|link|external link|star|heart|like|quote|expand|collapse|more|less|yes|no|(?:not )?(?:included|available)"
    r"|arrow|chevron|caret|left|right|up|down|lock|shield|eye|bell|dots?|hamburger|decoration|background|illustration)"
    r"(?: (?:icon|arrow|button|symbol|left|right|up|down|slide|circle|mark))*|.* icon",
    re.IGNORECASE,
)
# Pictures in links to these sites are ignored. Such links usually lead to the company's own profiles, or let readers
# share the page, so their pictures are not customers' logos.
SOCIAL_PROFILE = re.compile(
    r"//(?:[\w-]+\.)*(?:facebook|twitter|x|linkedin|instagram|youtube|tiktok|github|discord|pinterest|reddit|whatsapp"
    r"|threads|bsky|mastodon|medium|xing|weibo|vimeo|slack|t)\.(?:com|net|me|gg|app|org|social)(?:[/?]|$)"
)


MIN_SERIES = 3
NUMBER_SUFFIX = re.compile(r"(?:(?<![\s_-])[\s_-]+|(?<![\s_\d-]))\d+$")
AFTER_SEAM = re.compile(r"(?P<shared>[^_-]+)[_-](?P<own>.+)")
BEFORE_SEAM = re.compile(r"(?P<own>.+)[_-](?P<shared>[^_-]+)")


class DrawnName(str):
    """The name of an `<svg>`, or the `aria-label` of a link. The picture can be a logo or an icon."""

    __slots__ = ()


def is_logo_row(element: Element) -> bool:
    return element.logos > 0 and element.words == 0


def picture_names(root: Element) -> Iterator[str]:
    """Yield the names of the pictures in an element.

    If a picture in a link has no name, the label of the link is used.
    """
    pending = [root]
    while pending:
        element = pending.pop()
        if element.tag == "a" and SOCIAL_PROFILE.search(element.attributes.get("href", "")):
            continue
        if element.tag == "a" and (label := element.attributes.get("aria-label")):
            inner = [name for child in element.children if isinstance(child, Element) for name in picture_names(child)]
            yield from inner or filter(None, [DrawnName(_company_name(label))])
        elif element.tag == "img":
            yield from filter(
                None, [_company_name(element.attributes.get("alt") or element.attributes.get("title", ""))]
            )
        elif element.tag == "svg" or element.attributes.get("role") == "img":
            yield from filter(
                None,
                [DrawnName(_company_name(element.attributes.get("aria-label") or element.attributes.get("title", "")))],
            )
        else:
            pending.extend(child for child in reversed(element.children) if isinstance(child, Element))


def logo_names(names: list[str]) -> list[str]:
    """Return the names in a row of logos, each name once.

    If one `DrawnName` in the row names an icon, such as "search", every `DrawnName` in the row is left out.
    """
    if not names:
        return []
    icons = any(isinstance(name, DrawnName) and ICON_NAME.fullmatch(name) for name in names)
    unique = dict.fromkeys(name for name in names if not (icons and isinstance(name, DrawnName)))
    return _without_shared_parts([str(name) for name in unique])


def _without_shared_parts(names: list[str]) -> list[str]:
    """Remove the part that all names have in common: "acme-2026" and "beta-2026" become "acme" and "beta".

    If the names differ only in a number, as in "client 1", the names are placeholders and are dropped.
    """
    if len(names) < MIN_SERIES:
        return names
    if len({NUMBER_SUFFIX.sub("", name) for name in names}) == 1:
        return []
    for pattern in (AFTER_SEAM, BEFORE_SEAM):
        matches = [pattern.fullmatch(name) for name in names]
        if all(matches) and len({match["shared"] for match in matches if match}) == 1:
            names = [match["own"] for match in matches if match]
    return names


def _company_name(text: str) -> str:
    text = " ".join(text.split())
    is_logo = bool(LOGO_WORD.search(text))
    max_characters, max_words = (
        (MAX_LOGO_LABEL_CHARACTERS, MAX_LOGO_LABEL_WORDS) if is_logo else (MAX_NAME_CHARACTERS, MAX_NAME_WORDS)
    )
    if not text or len(text) > max_characters or len(text.split()) > max_words or NO_NAME.fullmatch(text):
        return ""
    name = LOGO_WORDING.sub("", text).strip(" :–-")
    return "" if NO_NAME.fullmatch(name) or may_address_model(name) else name
