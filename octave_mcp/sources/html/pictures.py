"""The names of companies whose logos a page shows: the text alternatives of pictures, however they are drawn."""

from __future__ import annotations

import re
from collections.abc import Iterator

from octave_mcp.evidence.injection import may_address_model
from octave_mcp.sources.html.tree import Element

LONGEST, MAX_WORDS = 30, 4
# Of a text that says that it names a logo.
LONGEST_LOGO, MAX_LOGO_WORDS = 70, 8
LOGO = re.compile(r"\blogo(?:type|s)?\b", re.IGNORECASE)
AROUND_NAME = re.compile(
    r"^(?:the )?(?:(?:company |customer |client |partner )?logo(?:type)?(?: (?:of|for|von|de)(?: the)?\b)?[\s:–-]*"
    r"|(?:visit|view|go to|read about) )|(?:[’']s)?(?<![\s–-])[\s–-]+(?:(?:company |corporate )?logo(?:type)?"
    r"|(?:case study|customer story|story|website|homepage))(?: (?:image|icon|svg|white|black|dark|light|colou?r))*$",
    re.IGNORECASE,
)
NO_NAME = re.compile(
    r"(?:logo|image|photo|icon|picture|screenshot|avatar|img)s?|.*\.(?:png|jpe?g|svg|webp)", re.IGNORECASE
)
# What icons do or mean, not whose they are.
ICON = re.compile(
    r"(?:(?:main |open |close |toggle )*(?:menu|search|navigation)|menü|suche|schließen|close|open|play|pause|mute|next"
    r"|prev(?:ious)?|back|forward|scroll|home|user|account|log ?in|cart|bag|basket|phone|e-?mail|mail|calendar|clock"
    r"|time|location|map|globe|language|settings|gear|info(?:rmation)?|help|question|warning|error|success|check(?:mark|ed)?"
    r"|tick|cross|plus|minus|add|remove|delete|edit|copy|save|share|print|download|upload|filter|sort|refresh|loading"
    r"|link|external link|star|heart|like|quote|expand|collapse|more|less|yes|no|(?:not )?(?:included|available)"
    r"|arrow|chevron|caret|left|right|up|down|lock|shield|eye|bell|dots?|hamburger|decoration|background|illustration)"
    r"(?: (?:icon|arrow|button|symbol|left|right|up|down|slide|circle|mark))*|.* icon",
    re.IGNORECASE,
)
# Where a link leads that stands for the company itself or for a way to share the page.
PROFILES = re.compile(
    r"//(?:[\w-]+\.)*(?:facebook|twitter|x|linkedin|instagram|youtube|tiktok|github|discord|pinterest|reddit|whatsapp"
    r"|threads|bsky|mastodon|medium|xing|weibo|vimeo|slack|t)\.(?:com|net|me|gg|app|org|social)(?:[/?]|$)"
)


MIN_IN_SERIES = 3
NUMBERED = re.compile(r"(?:(?<![\s_-])[\s_-]+|(?<![\s_\d-]))\d+$")
AFTER_SEAM = re.compile(r"(?P<shared>[^_-]+)[_-](?P<own>.+)")
BEFORE_SEAM = re.compile(r"(?P<own>.+)[_-](?P<shared>[^_-]+)")


class Drawn(str):
    """A name that is not that of an <img>: an icon may have one, too."""

    __slots__ = ()


def is_row(element: Element) -> bool:
    return element.logos > 0 and element.words == 0


def names(element: Element) -> Iterator[str]:
    """Of the pictures it holds, in their order. A link's own name counts if its picture has none."""
    waiting = [element]
    while waiting:
        part = waiting.pop()
        if part.tag == "a" and PROFILES.search(part.attributes.get("href", "")):
            continue
        if part.tag == "a" and (label := part.attributes.get("aria-label")):
            inner = [name for child in part.children if isinstance(child, Element) for name in names(child)]
            yield from inner or filter(None, [Drawn(_name(label))])
        elif part.tag == "img":
            yield from filter(None, [_name(part.attributes.get("alt") or part.attributes.get("title", ""))])
        elif part.tag == "svg" or part.attributes.get("role") == "img":
            yield from filter(
                None, [Drawn(_name(part.attributes.get("aria-label") or part.attributes.get("title", "")))]
            )
        else:
            waiting.extend(child for child in reversed(part.children) if isinstance(child, Element))


def row(found: list[str]) -> list[str]:
    """Each name once. A row of icons is none of logos: if one drawing is an icon, all drawings in the row are."""
    if not found:
        return []
    icons = any(isinstance(name, Drawn) and ICON.fullmatch(name) for name in found)
    once = dict.fromkeys(name for name in found if not (icons and isinstance(name, Drawn)))
    return _as_names([str(name) for name in once])


def _as_names(found: list[str]) -> list[str]:
    """Without what all share, as names of files do: 'acme-2026', 'logo_acme'. Numbered pictures have no names."""
    if len(found) < MIN_IN_SERIES:
        return found
    if len({NUMBERED.sub("", name) for name in found}) == 1:
        return []
    for own in (AFTER_SEAM, BEFORE_SEAM):
        parts = [own.fullmatch(name) for name in found]
        if all(parts) and len({part["shared"] for part in parts if part}) == 1:
            found = [part["own"] for part in parts if part]
    return found


def _name(text: str) -> str:
    text = " ".join(text.split())
    is_logo = bool(LOGO.search(text))
    longest, most_words = (LONGEST_LOGO, MAX_LOGO_WORDS) if is_logo else (LONGEST, MAX_WORDS)
    if not text or len(text) > longest or len(text.split()) > most_words or NO_NAME.fullmatch(text):
        return ""
    name = AROUND_NAME.sub("", text).strip(" :–-")
    return "" if NO_NAME.fullmatch(name) or may_address_model(name) else name
